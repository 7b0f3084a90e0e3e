"""The forms in which personal data is written, as patterns (RUN-13). What they need besides, `pii.py` says.

Every repetition is bounded, so that a text is read in time that grows with its length.
"""

import re
from functools import cache

from runtime.safety.near import words

# Most patterns begin with a set of signs, and say only then what may not stand before: so the search goes
# from sign to sign, and does not try everything everywhere. Those that say so read small letters.
DIGIT = re.compile(r"\d")
DIGIT_OF_OTHERS = re.compile(r"[^\D0-9]")  # Arabic, Devanagari ...
FIVE_DIGITS = re.compile(r"\d\d{4}")

# What a conversation is about: amounts, orders, books, measures; and products (small letters).
STAYS = re.compile(
    r"""[$€£¥₩\#\d](?:
    (?<=[$€£¥₩])\s?(?:\d{1,3}(?:,\d{3}){0,4}(?:\.\d{1,2})?(?![,.-]?\d) | \d{1,7}(?:\.\d{1,2})?(?!\d|-\d))
  | (?<![\w-].)(?:(?<=\#)\d{3}|(?<=\d)\d\d)-\d{7}-\d{7}(?![\w-])
  | (?<!\d.)(?<=9)7[89][- ]?(?:\d[- ]?){9}\d(?!\d)
  | (?<![\da-z].)(?<=\d)\d{0,4}(?:\.\d{1,2})?\s?[x×*]\s?\d{1,5}(?:\.\d{1,2})?
    (?:\s?[x×*]\s?\d{1,5}(?:\.\d{1,2})?)?(?!\d)
    )""",
    re.VERBOSE | re.ASCII,
)
STAYS_NAMED = re.compile(
    r"[bditor1](?<![\w-].)(?:(?<=o)rd-\d{4,12}|(?<=d)lv-\d{4,12}|(?<=r)ma-\d{4,12}|(?<=i)nv-\d{4,12}"
    r"|(?<=t)rk-\d{4,12}|(?<=b)0[a-z0-9]{8}|(?<=1)z[0-9a-z]{16})(?![\w-])",
    re.ASCII,
)
KINDS = "address|bank|birth|card|cvv|email|expiry|id|ip|licence|name|number|passport|phone|secret"
MARK = re.compile(rf"\[(?:{KINDS})\]")  # of what was taken out: it says nothing of what stands beside it
LONG_VOWEL = re.compile(r"(?<=\d)[ーｰ](?=\d)")  # typed for a dash, between digits
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.?"
DATE = re.compile(
    r"\d(?<![\d.-].)(?:\d{3}[-/.]\d{1,2}[-/.]\d{1,2}|\d?[-/.]\d{1,2}[-/.](?:\d{4}|\d{2}))(?![\d-]|\.\d)"
)
DATE_OF_ERA = re.compile(
    r"(?:\d{4}|(?:昭和|平成|令和)\s?\d{1,2})\s?[年년]\s?\d{1,2}\s?[月월]\s?\d{1,2}\s?[日일]"
)
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
DATE_OF_MONTH = re.compile(  # small letters
    rf"(?<![a-z]){_MONTH} \d{{1,2}}(?:st|nd|rd|th)?,? \d{{4}}(?!\d)"
    rf"|(?<!\d)\d{{1,2}}(?:st|nd|rd|th)? (?:of )?{_MONTH},? \d{{4}}(?!\d)"
)
EXPIRY = re.compile(r"[01](?<![\d/].)(?:(?<=0)[1-9]|(?<=1)[0-2])\s?[/-]\s?(?:20)?\d{2}(?![\d/-])")
MAIL = re.compile(r"(?<![\w.+%-])[\w.+%'-]{1,64}\s?@\s?[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}")
MAIL_IN_WORDS = re.compile(  # small letters
    r"[\w.+-](?<![\w.+-].)[\w.+-]{0,63}(?:"
    r"(?: dot [\w.+-]{1,64}){0,3}(?:\s?[(\[{]\s?at\s?[)\]}]\s?| at )[\w-]{1,63}"
    r"(?:(?:\s?[(\[{]\s?dot\s?[)\]}]\s?| dot )[\w-]{1,63}){1,3}(?![\w-]| at )"
    r"|\s?[(\[{]\s?at\s?[)\]}]\s?[\w-]{1,63}(?:\.[\w-]{1,63}){1,3})"
)
CHINA = re.compile(r"\d(?<![0-9A-Za-z].)\d{16}[\dXx](?![0-9A-Za-z])")
IBAN = re.compile(
    r"[A-Z](?<![0-9A-Za-z].)[A-Z]\d{2}(?:[ ]?[0-9A-Z]{4}){2,7}(?:[ ]?[0-9A-Z]{1,3})?(?![0-9A-Za-z])"
)
PAPER = re.compile(  # small letters
    r"[a-z](?<![0-9a-z-].)(?=[a-z0-9]{0,14}\d)[a-z]{0,2}[0-9a-z]{5,14}(?![0-9a-z-])"
)
INSURED = re.compile(r"[a-z](?<![0-9a-z-].)[a-z]? ?\d{2} \d{2} \d{2} ?[a-d](?![0-9a-z-])")  # small letters
IPV6 = re.compile(  # small letters
    r"(?<![\w:])(?:[0-9a-f]{1,4}:){4,7}(?::|[0-9a-f]{1,4})(?:[0-9a-f]{0,4}:?){0,3}(?![\w:])"
)
DIGIT_WORDS = ("zero", "oh", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
SPELLED_AT_LEAST = 7
SPELLED = re.compile(  # small letters
    rf"(?<![a-z])(?:(?:{'|'.join(DIGIT_WORDS)}|double|triple)[\s,-]{{1,3}}){{6,40}}(?:{'|'.join(DIGIT_WORDS)})(?![a-z])"
)
SPELLED_HAN = re.compile(r"[〇零一二三四五六七八九]{9,40}")
ZIP = re.compile(
    r"[ACDFGHIKLMNOPRSTUVW](?<![A-Za-z].)(?:(?<=A)[KLRZ]|(?<=C)[AOT]|(?<=D)[CE]|(?<=F)L|(?<=G)A|(?<=H)I|(?<=I)[ADLN]|(?<=K)[SY]"
    r"|(?<=L)A|(?<=M)[ADEINOST]|(?<=N)[CDEHJMVY]|(?<=O)[HKR]|(?<=P)A|(?<=R)I|(?<=S)[CD]|(?<=T)[NX]|(?<=U)T|(?<=V)[AT]"
    r"|(?<=W)[AIVY]),? \d{5}(?:-\d{4})?(?!\d)"
)
POST = re.compile(  # small letters
    r"〒\s?\d{3}-?\d{4}|(?:郵便番号|邮编|우편번호|zip code|zip|postal code|postcode)\s?(?:is|は|:)?\s?"
    r"[\da-z]{1,4}[- ]?[\da-z]{3,4}(?![\da-z])"
)
KOREA = re.compile(
    r"(?:[가-힣]{2,8}(?:시|도) ?)?[가-힣]{1,8}(?:구|군|시) (?:[가-힣]{1,8}(?:구|읍|면) )?"
    r"[가-힣]{1,8}\d{0,3}(?:로|길|동|리|가)(?: ?\d{1,4}(?:-\d{1,4})?(?:번지|번길|호)?){1,2}"
)
BOX = re.compile(r"(?<![a-z])p\.?\s?o\.?\s?box\s\d{1,6}(?!\d)")  # small letters
TOWN = re.compile(
    r"[一-龥ヶケ]{1,6}[市区町村郡][一-龥ぁ-んァ-ヶー]{0,14}?\d{1,4}"
    r"(?:(?:丁目|番地?|号|の|-)\d{1,4}){0,3}(?:丁目|番地?|号)?"
    r"(?:[ ]?[一-龥ァ-ヶーA-Za-z]{0,12}\d{1,4}号?室?)?"
)
_SECRETLY = r"password|passcode|passwd|pwd|pw|pin(?: code| number)?|one-time code|verification code|otp"
SECRET = re.compile(  # small letters
    rf"(?:\b(?:{_SECRETLY})|パスワード|暗証番号|密码|비밀번호)"
    r"\s?(?:is|was|=|:|は|是|는|은)\s?[\"'「]?"
    r"(?P<it>(?=\S{0,40}[\d!@#$%^&*_-]|(?<=[:=] )\S)\S{4,40}?)(?=[\"'」]?(?:です|[.,。、]?(?:\s|$)))"
)


@cache
def street() -> re.Pattern[str]:
    kinds = "|".join(sorted(words().streets["en"], key=len, reverse=True))
    return re.compile(
        rf"(?<![A-Za-z0-9$.#-])\d{{1,6}}(?:-\d{{1,4}})?[A-Za-z]? (?:(?:n|s|e|w|north|south|east|west)\.? )?"
        rf"(?:[A-Z0-9][\w'.]{{0,20}} ){{1,4}}(?:(?i:{kinds}))(?![A-Za-z])\.?"
        r"(?:,? (?i:apt|apartment|suite|ste|unit|flat|#)\.? ?#?[\w-]{1,6})?"
        r"(?:, ?[A-Z][A-Za-z .]{1,30})?"
    )


@cache
def street_abroad() -> re.Pattern[str]:
    """Small letters: the number before what a street is called, or behind it."""
    before = "|".join(map(re.escape, words().streets["before"]))
    behind = "|".join(map(re.escape, words().streets["behind"]))
    return re.compile(
        rf"\d(?<![\w.].)\d{{0,3}}(?: ?(?:bis|ter))?,? (?:{before})"
        r"(?: (?:de|du|des|de la|de l'|la|le|les|del|da|do|di))?(?: |')\w{2,24}(?: \w{2,24})?"
        rf"|(?<!\w)\w{{2,24}}(?:{behind}) \d{{1,4}}[a-z]?(?!\w)"
    )


@cache
def prefecture() -> re.Pattern[str]:
    return re.compile(
        rf"(?:{'|'.join(words().prefectures['ja'])})[一-龥ぁ-んァ-ヶー]{{1,20}}[0-9一-龥ぁ-んァ-ヶー-]{{0,30}}"
        r"\d(?:[0-9-]|号|番|丁目|地|室){0,10}"
    )
