//! Words in dates: months, zones, halves of the day.

/// The number of a month's name: English, French, German, Spanish, Portuguese, Italian, Urdu,
/// Arabic (of Egypt and of the Levant).
pub(super) fn month(name: &str) -> Option<i64> {
    const NAMES: [&str; 12] = [
        "jan january janv janvier januar jänner enero ene janeiro gennaio gen جنوری يناير",
        "feb february fév févr février februar febrero fevereiro febbraio فروری فبراير شباط",
        "mar march mars mär märz marzo março مارچ مارس آذار",
        "apr april avr avril abril abr aprile اپریل أبريل ابريل نيسان",
        "may mai mayo maio maggio مئی مايو أيار",
        "jun june juin juni junio junho giugno giu جون يونيو حزيران",
        "jul july juil juillet juli julio julho luglio lug جولائی يوليو تموز",
        "aug august août aoû agosto ago اگست أغسطس آب",
        "sep sept september septembre septiembre setembro settembre set ستمبر سبتمبر أيلول",
        "oct october octobre okt oktober octubre outubro out ottobre ott اکتوبر أكتوبر",
        "nov november novembre noviembre novembro نومبر نوفمبر",
        "dec december déc décembre dez dezember diciembre dic dezembro dicembre دسمبر ديسمبر",
    ];
    let at = NAMES
        .iter()
        .position(|names| names.split(' ').any(|n| n == name))?;
    i64::try_from(at + 1).ok()
}

/// Hours that a half of the day adds: 0 before noon, 12 after.
pub(super) fn half_day(name: &str) -> Option<i64> {
    match name {
        "am" | "a" | "ص" | "صبح" => Some(0),
        "pm" | "p" | "م" | "شام" => Some(12),
        _ => None,
    }
}

/// Minutes east of Greenwich of the letters people write for a zone. Letters of several zones
/// are the one more feeds mean: `EST` is New York, `IST` India.
pub(super) fn zone(name: &str) -> Option<i64> {
    Some(match name {
        "z" | "ut" | "utc" | "gmt" | "wet" => 0,
        "bst" | "cet" | "west" | "wat" => 60,
        "cest" | "eet" | "sast" | "cat" => 120,
        "eest" | "msk" | "eat" | "trt" => 180,
        "irst" => 210,
        "gst" => 240,
        "aft" => 270,
        "pkt" | "uzt" => 300,
        "ist" => 330,
        "npt" => 345,
        "bdt" => 360,
        "ict" | "wib" => 420,
        "hkt" | "sgt" | "awst" | "pht" => 480,
        "jst" | "kst" => 540,
        "aest" => 600,
        "aedt" => 660,
        "nzst" => 720,
        "nzdt" => 780,
        "brt" | "art" => -180,
        "edt" => -240,
        "est" | "cdt" => -300,
        "cst" | "mdt" => -360,
        "mst" | "pdt" => -420,
        "pst" => -480,
        _ => return None,
    })
}

/// Words beside a time of day that say nothing of its zone.
pub(super) fn says_nothing(name: &str) -> bool {
    const WORDS: &str = "st nd rd th t h m hrs hours at um uhr on of the à a las de mon tue wed thu fri sat sun \
        monday tuesday wednesday thursday friday saturday sunday بجے";
    half_day(name).is_some() || WORDS.split_whitespace().any(|word| word == name)
}
