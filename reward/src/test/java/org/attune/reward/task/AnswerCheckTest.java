package org.attune.reward.task;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ConfigException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class AnswerCheckTest {
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "exact   | ` 95\n`                      | 95          | true",
                "exact   | 95.                          | 95          | false",
                "number  | 37 + 58 = 95.                | 95          | true",
                "number  | It is 1,234.50, I think      | 1234.5      | true",
                "number  | 95 or 96                     | 95          | false",
                "number  | 7-5 is 2                     | 2           | true",
                "number  | minus: -12                   | -12         | true",
                "number  | 100-12                       | -12         | false",
                "number  | none                         | 0           | false",
                "number  | 007                          | 7           | true",
                "numbers | 3, 5, 9                      | 3, 5, 9     | true",
                "numbers | 3,5,9                        | 3, 5, 9     | true",
                "numbers | [5 3 9] sorted is [3 5 9].   | 3, 5, 9     | true",
                "numbers | 3, 9, 5                      | 3, 5, 9     | false",
                "numbers | 5, 9                         | 3, 5, 9     | false",
                "word    | The word is \"bad\".         | bad         | true",
                "word    | b a d                        | bad         | false",
                "word    | Bad                          | bad         | false",
                "json    | Here: {\"a\": 1, \"b\": \"x\"} | {\"b\":\"x\",\"a\":1} | true",
                "json    | {\"a\":{\"b\":2}}            | {\"a\":{\"b\":2}} | true",
                "json    | {\"a\":{\"b\":2}}            | {\"b\":2}   | false",
                "json    | {\"a\":0} no, {\"a\":1}      | {\"a\":1}   | true",
                "json    | {\"a\":\"1\"}                | {\"a\":1}   | false",
                "json    | {\"a\":1                     | {\"a\":1}   | false",
                "weekday | Not Monday but tuesday!      | Tuesday     | true",
                "weekday | Tuesday, not Monday          | Tuesday     | false",
                "weekday | some day                     | Tuesday     | false",
            })
    void judges(String check, String completion, String answer, boolean accepted) {
        assertEquals(accepted, AnswerCheck.of(check).accepts(completion, answer));
    }

    @Test
    void longNonsenseIsJudgedQuickly() {
        String braces = "{".repeat(200_000) + "}";
        assertTrue(!AnswerCheck.JSON.accepts(braces, "{\"a\":1}"));
        assertTrue(AnswerCheck.NUMBER.accepts("1,".repeat(200_000) + " 42", "42"));
    }

    @Test
    void unknownNamesAreAnsweredWithTheNearestAndAll() {
        String message =
                assertThrows(ConfigException.class, () -> AnswerCheck.of("nubmer")).getMessage();
        assertTrue(message.contains("did you mean number?"), message);
        assertTrue(message.contains("weekday"), message);
    }
}
