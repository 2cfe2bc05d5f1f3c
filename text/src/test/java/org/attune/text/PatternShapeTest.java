package org.attune.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

import java.util.List;
import java.util.Optional;

class PatternShapeTest {
    @Test
    void expressionsOfRealTokenizersAreAccepted() {
        for (String pattern :
                List.of(
                        "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+|"
                                + " ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
                        "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}|"
                                + " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
                        "'(?i:[sdmt]|ll|ve|re)|[^\\r"
                                + "\\n"
                                + "\\p{L}\\p{N}]?+\\p{L}+| ?[^\\s\\p{L}]++[\\r"
                                + "\\n"
                                + "]*",
                        "[^\\r"
                            + "\\n"
                            + "\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{M}]+(?i:'s|'t)?",
                        "\\s?[A-Za-zµÀ-ÖØ-öø-ƺ]+|\\s+$|[一-龥ࠀ-一가-퟿]+",
                        "[!-/:-~！-／：-～‘-‟　-。]+",
                        "\\d{1,3}(?=(?:\\d{3})*\\b)",
                        " {2,}",
                        "[^\\]\\[a-z&&[aeiou]]+",
                        "(?#a comment)a(?i)b(?<year>\\d{4})",
                        "a{,3}b{x}")) {
            assertEquals(Optional.empty(), PatternShape.problem(pattern), pattern);
        }
    }

    @Test
    void expressionsWithoutEndAreRefused() {
        for (String pattern :
                List.of(
                        "",
                        "(a+)+$",
                        "(a*)*b",
                        "((a|a))*b",
                        "(a|aa)+$",
                        "(a?){50}a{50}",
                        "(?:a+){2,}",
                        "(?:a{1,9})+",
                        "a+{1,9}+b",
                        "a*a*a*b",
                        "(?=(a+)+b)",
                        "(x+x+)+y",
                        "(a)\\1+",
                        "(?<n>a)\\k<n>",
                        "(?<n>a|b\\g<n>c)",
                        "(?~ab)",
                        "a{1,100000}",
                        "(".repeat(200) + ")".repeat(200),
                        "[".repeat(200),
                        "(a",
                        "a)",
                        "a\\",
                        "x".repeat(30_000))) {
            assertTrue(PatternShape.problem(pattern).isPresent(), pattern);
        }
    }

    @Test
    void choicesOfEmptyTextsAreCounted() {
        assertEquals(0, PatternShape.emptyChoices("(^|.*\\.)(q|k)_proj($|\\..*)"));
        assertEquals(0, PatternShape.emptyChoices(".*?(?:a|b|).*?(?!.*x)[^a]*\\Q((a*)*)*\\E"));
        assertEquals(1, PatternShape.emptyChoices("(a*)*"));
        assertEquals(3, PatternShape.emptyChoices("(a*)*(b?)?(|)"));
        assertEquals(51, PatternShape.emptyChoices("((a?)|b?){50}(\\b)+"));
        assertEquals(2, PatternShape.emptyChoices("((a*)*)*"));
    }
}
