package identifier

// plainRules are the rules of no vendor. They normalise and do not hash; a spec may add a hash.
var plainRules = []Preset{
	{Name: "text", Label: "value", Hash: None, Opaque: true},
	rule("email", labelEmail, Trim, Lower, Email).readable(),
	rule("phone", labelPhone, E164).readable(),
	rule("first_name", labelFirstName, Compose, Lower, CollapseSpaces).readable(),
	rule("last_name", labelLastName, Compose, Lower, CollapseSpaces).readable(),
	rule("city", labelCity, Compose, Lower, CollapseSpaces).readable(),
	rule("state", labelState, Compose, State).readable(),
	rule("zip", labelPostalCode, Zip, Lower).readable(),
	rule("country", labelCountry, Country, Lower).readable(),
	rule("date_of_birth", labelBirth, DateOfBirth).readable(),
	rule("gender", labelGender, Gender).readable(),
	rule("maid", labelDevice, MAID).readable(),
	rule("external_id", labelExternal, Trim).readable(),
	rule("ip", labelIP, IP).readable(),
}

// googleRules are the rules of the Data Manager API, and where the Google Ads API has others, those too. The page
// gives for email addresses: small letters, no white space anywhere, and at gmail.com and googlemail.com no dots and
// no plus sign with what follows it before the @. Phone numbers are E.164 with the plus sign. Given names are in
// small letters without title, family names without suffix. Its own library writes street, city and area without
// punctuation; city, area, postal code and region stay readable.
//
// The Google Ads API (https://developers.google.com/google-ads/api/reference/rpc/v25/OfflineUserAddressInfo) removes
// extra spaces from a first name and punctuation from a last name.
var googleRules = append(from("https://developers.google.com/data-manager/api/devguides/concepts/formatting",
	rule("google.email", labelEmail, RemoveSpaces, Lower, Gmail, Email),
	rule("google.phone", labelPhone, E164),
	rule("google.name", "name", Trim, Lower),
	rule("google.given_name", labelFirstName, Trim, Lower, RemoveTitle),
	rule("google.family_name", labelLastName, Trim, Lower, RemoveSuffix),
	rule("google.street", labelStreet, Trim, Lower, Words),
	rule("google.city", labelCity, Trim, Lower, Words).readable(),
	rule("google.area", labelState, Trim, Lower, Words).readable(),
	rule("google.postal_code", labelPostalCode, Trim).readable(),
	rule("google.region_code", labelCountry, Country).readable(),
), from("https://developers.google.com/google-ads/api/reference/rpc/v25/OfflineUserAddressInfo",
	rule("google.first_name", labelFirstName, Lower, CollapseSpaces),
	rule("google.last_name", labelLastName, Trim, Lower, RemovePunctuation),
)...)

// displayVideoRules are the rules of Display & Video 360: no white space in names and email addresses, small letters,
// and phone numbers as E.164.
var displayVideoRules = from("https://developers.google.com/display-video/api/guides/tasks/upload-customer-match-audience/prepare-data",
	rule("dv360.email", labelEmail, RemoveSpaces, Lower, Email),
	rule("dv360.phone", labelPhone, E164),
	rule("dv360.first_name", labelFirstName, RemoveSpaces, Lower),
	rule("dv360.last_name", labelLastName, RemoveSpaces, Lower),
)

// metaRules are the rules of the Conversions API, which custom audiences share. Email addresses: trimmed, in small
// letters, dots and tags left. Phone numbers: digits with calling code, no zeros before it. Names: small letters, no
// punctuation, any script in UTF-8. Cities: no white space and no special characters either. States: the two letters
// of the US, or the name written like a city. Postal codes: small letters, no white space, no hyphen, of the US five
// digits, of the UK the whole code, as in the page's example m11ae. Countries: two small letters. Dates: YYYYMMDD
// from 1900 on. Gender: f or m. External ids: hashing is recommended. IP addresses and, in custom audiences, mobile
// advertising ids stay readable, the latter in small letters with hyphens.
var metaRules = from("https://developers.facebook.com/documentation/ads-commerce/conversions-api/parameters/customer-information-parameters",
	rule("meta.em", labelEmail, Trim, Lower, Email),
	rule("meta.ph", labelPhone, E164Digits),
	rule("meta.fn", labelFirstName, Compose, Lower, RemovePunctuation, CollapseSpaces),
	rule("meta.ln", labelLastName, Compose, Lower, RemovePunctuation, CollapseSpaces),
	rule("meta.fi", "first name's initial", Compose, Lower, RemovePunctuation, Initial).
		unverified("the page has no rule for an initial; its SDK takes the first character"),
	rule("meta.ct", labelCity, Compose, Lower, Alphanumeric),
	rule("meta.st", labelState, Compose, State),
	rule("meta.zp", labelPostalCode, Zip, Lower),
	rule("meta.country", labelCountry, Country, Lower),
	rule("meta.db", labelBirth, DateOfBirth),
	rule("meta.doby", "year of birth", BirthYear).unverified("custom audiences only: read in others' words"),
	rule("meta.dobm", "month of birth", BirthMonth).unverified("custom audiences only: read in others' words"),
	rule("meta.dobd", "day of birth", BirthDay).unverified("custom audiences only: read in others' words"),
	rule("meta.ge", labelGender, Gender),
	rule("meta.madid", labelDevice, MAID).readable().unverified("that it stays readable, in small letters: read in others' words"),
	rule("meta.external_id", labelExternal, Trim),
	rule("meta.client_ip_address", labelIP, IP).readable(),
)

// tiktokRules are the rules of the Events API and of custom audiences, whose help page has several versions. Email
// addresses are in small letters; of June and August 2025 also without plus sign and what follows it
// (tiktok.email_untagged), in the undated preview without spaces instead (tiktok.email). Phone numbers are E.164 with
// the plus sign in June 2025 and in the preview, as in the Events API (tiktok.phone), and without it in August 2025 and
// in the hash that the preview gives as an example (tiktok.phone_digits). Mobile advertising ids are in one case,
// whichever. The preview: https://ads.tiktok.com/help/preview?content_id=5gcDeV2ckkwNVh1BedxvSJ&lang=en
var tiktokRules = append(from("https://ads.tiktok.com/help/article/list-of-supported-ids-and-formats-for-a-customer-file",
	rule("tiktok.email", labelEmail, RemoveSpaces, Lower, Email),
	rule("tiktok.email_untagged", labelEmail, RemoveSpaces, Lower, Untag, Email),
	rule("tiktok.phone", labelPhone, E164),
	rule("tiktok.phone_digits", labelPhone, E164Digits),
	rule("tiktok.maid", labelDevice, MAID),
	rule("tiktok.maid_md5", labelDevice, MAID).with(MD5),
), from("https://business-api.tiktok.com/portal/docs?id=1771101151059969",
	rule("tiktok.event_phone", labelPhone, E164China).
		unverified("that numbers of the calling code 86 are sent without it: quoted by others from the Events API's reference"),
	rule("tiktok.external_id", labelExternal, Trim).unverified("that case is kept"),
	rule("tiktok.first_name", labelFirstName, Compose, Lower, RemovePunctuation, CollapseSpaces).unverified("the whole rule"),
	rule("tiktok.last_name", labelLastName, Compose, Lower, RemovePunctuation, CollapseSpaces).unverified("the whole rule"),
	rule("tiktok.zip_code", labelPostalCode, Zip, Lower).unverified("the whole rule"),
)...)

// snapchatRules are the rules of the Conversions API and of customer lists. Email addresses: trimmed, in small
// letters. Phone numbers: digits with calling code, without 00 before it and 0 after it. Names: small letters without
// punctuation, in UTF-8. Mobile advertising ids: small letters with hyphens
// (https://developers.snap.com/marketing-api/Conversions-API/BestPractices).
var snapchatRules = from("https://developers.snap.com/api/marketing-api/Conversions-API/Parameters",
	rule("snapchat.em", labelEmail, Trim, Lower, Email),
	rule("snapchat.ph", labelPhone, E164Digits),
	rule("snapchat.madid", labelDevice, MAID),
	rule("snapchat.fn", labelFirstName, Compose, Lower, RemovePunctuation, CollapseSpaces),
	rule("snapchat.ln", labelLastName, Compose, Lower, RemovePunctuation, CollapseSpaces),
	rule("snapchat.ct", labelCity, Compose, Lower, Alphanumeric).unverified("white space and punctuation"),
	rule("snapchat.st", labelState, Compose, State).unverified("states outside the US"),
	rule("snapchat.zp", labelPostalCode, Zip, Lower).unverified("codes outside the US"),
	rule("snapchat.country", labelCountry, Country, Lower).unverified("read in a copy of the API's schema"),
	rule("snapchat.db", labelBirth, DateOfBirth).unverified("read in a copy of the API's schema"),
	rule("snapchat.ge", labelGender, Gender).unverified("read in a copy of the API's schema"),
	rule("snapchat.external_id", labelExternal, Trim).unverified("that case is kept"),
)

// pinterestRules are the rules of conversion events, from the vendor's API description, and of customer lists, whose
// emails may be readable or hashed with SHA-1, SHA-256 or MD5, and whose mobile advertising ids must be hashed with
// one of them
// (https://github.com/pinterest/pinterest-python-generated-api-client/blob/main/docs/CustomerListRequest.md).
var pinterestRules = append(from("https://github.com/pinterest/api-description/blob/main/v5/openapi.yaml",
	rule("pinterest.em", labelEmail, RemoveSpaces, Lower, Email),
	rule("pinterest.ph", labelPhone, E164Digits),
	rule("pinterest.fn", labelFirstName, Compose, Lower, CollapseSpaces),
	rule("pinterest.ln", labelLastName, Compose, Lower, CollapseSpaces),
	rule("pinterest.ct", labelCity, Compose, Lower, Alphanumeric),
	rule("pinterest.st", labelState, Compose, State),
	rule("pinterest.zp", labelPostalCode, Zip, Digits),
	rule("pinterest.country", labelCountry, Country, Lower),
	rule("pinterest.db", labelBirth, DateOfBirth).unverified("the description says year, month and day, and not how they are written"),
	rule("pinterest.ge", labelGender, GenderOrNeither),
	rule("pinterest.hashed_maids", labelDevice, MAID).unverified("small letters"),
	rule("pinterest.external_id", labelExternal, Trim).unverified("that case is kept"),
), from("https://github.com/pinterest/pinterest-python-generated-api-client/blob/main/docs/CustomerListRequest.md",
	rule("pinterest.list_email", labelEmail, RemoveSpaces, Lower, Email).accepting(SHA1, MD5),
	rule("pinterest.list_email_plain", labelEmail, RemoveSpaces, Lower, Email).readable(),
	rule("pinterest.list_maid", labelDevice, MAID).accepting(SHA1, MD5).unverified("small letters"),
)...)

// linkedinRules are the rules of DMP segments and of the Conversions API: small letters, no white space.
var linkedinRules = from("https://learn.microsoft.com/en-us/linkedin/marketing/integrations/ads-reporting/conversions-api-schema",
	rule("linkedin.sha256_email", labelEmail, RemoveSpaces, Lower, Email).unverified("quoted by others from the page"),
	rule("linkedin.sha512_email", labelEmail, RemoveSpaces, Lower, Email).with(SHA512).unverified("quoted by others from the page"),
	rule("linkedin.google_aid", labelDevice, MAID).readable().unverified("that it stays readable"),
)

// microsoftRules are the rules of Microsoft Advertising's Conversions API (em, ph): email addresses of every domain
// trimmed, without dots and without plus sign and what follows it before the @, in small letters; phone numbers as
// E.164. Customer lists (https://learn.microsoft.com/en-us/advertising/bulk-service/customer-list-item) take email
// addresses.
var microsoftRules = from("https://learn.microsoft.com/en-us/advertising/guides/uet-conversion-api-integration",
	rule("microsoft.em", labelEmail, Trim, Lower, Untag, Undot, Email),
	rule("microsoft.ph", labelPhone, E164),
	rule("microsoft.email", labelEmail, Trim, Lower, Untag, Undot, Email).
		unverified("that customer lists have the rule of the Conversions API: their own page asks for SHA-256 in hexadecimal digits and says no more"),
)

// amazonRules are the rules of Amazon Ads: letters and digits only, in small letters and without accents; of email
// addresses . @ - too; phone numbers as digits with calling code. A street address has a rule of its own, with
// abbreviations of its words, which is not offered. Mobile advertising ids stay readable
// (https://github.com/amzn/ads-advanced-tools-docs).
var amazonRules = from("https://advertising.amazon.com/help/GCCXMZYCK4RXWS6C",
	rule("amazon.email", labelEmail, Lower, EmailCharacters, Email).unverified(amazonDoubt),
	rule("amazon.phone", labelPhone, E164Digits).unverified(amazonDoubt),
	rule("amazon.first_name", labelFirstName, ASCII, Lower, Alphanumeric).unverified(amazonDoubt),
	rule("amazon.last_name", labelLastName, ASCII, Lower, Alphanumeric).unverified(amazonDoubt),
	rule("amazon.city", labelCity, ASCII, Lower, Alphanumeric).unverified(amazonDoubt),
	rule("amazon.state", labelState, ASCII, State).unverified(amazonDoubt),
	rule("amazon.postal_code", labelPostalCode, Zip, Lower, Alphanumeric).unverified(amazonDoubt),
	rule("amazon.country", labelCountry, Country, Lower).unverified(amazonDoubt),
	rule("amazon.maid", labelDevice, MAID).readable().unverified("small letters"),
)

const amazonDoubt = "the page was not read; connectors of others that cite it do this"

// xRules are the rules of X's audiences: email addresses trimmed and in small letters, handles without @ and in small
// letters, IDFAs in small letters with hyphens, user ids as they are, SHA-256 without salt in small hexadecimal
// digits.
var xRules = from("https://developer.x.com/en/docs/x-ads-api/audiences/overview/user-data",
	rule("x.email", labelEmail, Trim, Lower, Email),
	rule("x.handle", "handle", Handle, Lower),
	rule("x.user_id", labelExternal, Trim),
	rule("x.device_id", labelDevice, MAID),
	rule("x.phone", labelPhone, E164).unverified("the page names no phone numbers"),
)

// otherRules are rules of platforms with one or two identifiers. UID2
// (https://unifiedid.com/docs/getting-started/gs-normalization-encoding) removes dots and tags at gmail.com alone and
// writes hashes as base64. Taboola: https://developers.taboola.com/backstage-api/reference/user-id-object. Impact
// takes hashed email addresses only, of SHA-1 or SHA-256 (its description of the Conversions API).
var otherRules = append(from("https://unifiedid.com/docs/getting-started/gs-normalization-encoding",
	rule("uid2.email", labelEmail, Trim, Lower, GmailOnly, Email).base64(),
	rule("uid2.phone", labelPhone, E164).base64(),
), append(from("https://developers.taboola.com/backstage-api/reference/user-id-object",
	rule("taboola.email", labelEmail, Trim, Lower, Email),
	rule("taboola.device_id", labelDevice, MAID).readable().unverified("small letters"),
), append(from("https://github.com/api-evangelist/impact",
	rule("impact.email", labelEmail, Trim, Lower, Email).with(SHA1).accepting(SHA256).unverified("normalisation: the API's description, read in a copy, names algorithms only"),
), from("https://ads-api.reddit.com/docs/v3/guides/programs/capi/direct-integration",
	rule("reddit.email", labelEmail, Trim, Lower, Email).unverified("the whole rule"),
	rule("reddit.maid", labelDevice, MAID).unverified("the whole rule"),
)...)...)...)
