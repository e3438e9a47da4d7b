// Before anything is painted: says that scripts run, so that nothing shifts when the modules arrive.
document.body.classList.add("js-enabled");
if ("noModule" in HTMLScriptElement.prototype) document.body.classList.add("govuk-frontend-supported");
