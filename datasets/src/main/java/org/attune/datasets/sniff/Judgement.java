package org.attune.datasets.sniff;

import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/// What a cell says about a completion.
final class Judgement {
    private static final Set<String> GOOD =
            Set.of(
                    "1",
                    "1.0",
                    "+1",
                    "true",
                    "t",
                    "yes",
                    "y",
                    "up",
                    "thumbs_up",
                    "thumbsup",
                    "thumb_up",
                    "👍",
                    "+",
                    "✓",
                    "✔",
                    "✅",
                    "good",
                    "great",
                    "like",
                    "liked",
                    "positive",
                    "pos",
                    "helpful",
                    "correct",
                    "right",
                    "accepted",
                    "accept",
                    "approved",
                    "desirable",
                    "ok",
                    "pass",
                    "passed",
                    "upvote",
                    "upvoted",
                    "chosen",
                    "ja",
                    "gut",
                    "richtig",
                    "korrekt",
                    "hilfreich",
                    "positiv",
                    "wahr",
                    "daumen_hoch",
                    "oui",
                    "bon",
                    "bonne",
                    "vrai",
                    "utile",
                    "si",
                    "bueno",
                    "buena",
                    "util",
                    "verdadero",
                    "sim",
                    "bom",
                    "boa",
                    "vero",
                    "buono",
                    "buona",
                    "goed",
                    "tak",
                    "dobra",
                    "dobry",
                    "да",
                    "хорошо",
                    "хороший",
                    "верно",
                    "是",
                    "好",
                    "对",
                    "有用",
                    "はい",
                    "良い",
                    "예",
                    "좋음",
                    "evet",
                    "iyi");
    private static final Set<String> BAD =
            Set.of(
                    "0",
                    "0.0",
                    "-1",
                    "-1.0",
                    "false",
                    "f",
                    "no",
                    "n",
                    "down",
                    "thumbs_down",
                    "thumbsdown",
                    "thumb_down",
                    "👎",
                    "-",
                    "✗",
                    "✘",
                    "❌",
                    "bad",
                    "poor",
                    "dislike",
                    "disliked",
                    "negative",
                    "neg",
                    "unhelpful",
                    "not_helpful",
                    "incorrect",
                    "wrong",
                    "rejected",
                    "reject",
                    "undesirable",
                    "fail",
                    "failed",
                    "downvote",
                    "downvoted",
                    "nein",
                    "schlecht",
                    "falsch",
                    "nicht_hilfreich",
                    "negativ",
                    "daumen_runter",
                    "non",
                    "mauvais",
                    "mauvaise",
                    "faux",
                    "inutile",
                    "malo",
                    "mala",
                    "inutil",
                    "falso",
                    "nao",
                    "ruim",
                    "cattivo",
                    "cattiva",
                    "nee",
                    "slecht",
                    "nie",
                    "zla",
                    "zly",
                    "нет",
                    "плохо",
                    "плохой",
                    "неверно",
                    "否",
                    "不是",
                    "坏",
                    "不好",
                    "错",
                    "没用",
                    "いいえ",
                    "悪い",
                    "아니오",
                    "나쁨",
                    "hayir",
                    "kotu");
    private static final Set<String> TIES =
            Set.of(
                    "tie",
                    "ties",
                    "both",
                    "both_good",
                    "both_bad",
                    "neither",
                    "none",
                    "equal",
                    "draw",
                    "same",
                    "tie_both_bad",
                    "bothbad",
                    "unentschieden",
                    "gleich",
                    "beide",
                    "empate",
                    "egalite",
                    "pareggio");

    private Judgement() {}

    private static String word(Object value) {
        String text = String.valueOf(value).strip().toLowerCase(Locale.ROOT);
        if (GOOD.contains(text) || BAD.contains(text)) {
            return text;
        }
        String normal = ColumnWords.normal(text);
        return normal.isEmpty()
                ? text.replaceAll("\\p{M}|\\p{Sk}|\uFE0F|\uD83C[\uDFFB-\uDFFF]", "")
                : normal;
    }

    /// Whether the cell says good or bad; empty if it says neither.
    static Optional<Boolean> of(Object value) {
        String word = word(value);
        if (GOOD.contains(word)) {
            return Optional.of(true);
        }
        return BAD.contains(word) ? Optional.of(false) : Optional.empty();
    }

    /// Whether the cell is a number or a plain truth value, which may mean anything.
    static boolean isBare(Object value) {
        return value instanceof Boolean
                || Set.of(
                                "0", "1", "0.0", "1.0", "true", "false", "t", "f", "yes", "no", "y",
                                "n", "ja", "nein", "oui", "non", "si", "sim", "nao", "tak", "nie",
                                "да", "нет", "是", "否", "はい", "いいえ", "예", "아니오", "evet", "hayir")
                        .contains(word(value));
    }

    /// Whether the cell says that neither of two is better.
    static boolean isTie(Object value) {
        return TIES.contains(word(value));
    }
}
