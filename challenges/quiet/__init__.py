"""Why the market stayed away: said by the buyer where few teams pitched, approved or refused by the innovation team."""
