package org.attune.agents.calculator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class ExpressionTest {
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "47*8-19 | 357",
                "0.1 + 0.2 | 0.3",
                "1/3*3 | 1",
                "1/8 | 0.125",
                "1/3 | 0.333333333333333",
                "(3 + 4.5) * 2^10 / sqrt(16) | 1920",
                "-2^2 | -4",
                "2^-2 | 0.25",
                "2**3**2 | 512",
                "7 // 2 | 3",
                "-7 // 2 | -4",
                "-7 % 3 | 2",
                "5! | 120",
                "2 × 3 ÷ 4 − 1 | 0.5",
                "1e3 + 2.5E-1 | 1000.25",
                "99999999999999999999 * 99999999999999999999 |"
                        + " 9999999999999999999800000000000000000001",
                "sqrt(2) | 1.4142135623731",
                "sqrt(1/4) | 0.5",
                "2 * pi | 6.28318530717959",
                "round(2.5) | 3",
                "round(-2.5) | -3",
                "round(3.14159, 2) | 3.14",
                "floor(-0.5) | -1",
                "ceil(0.2) | 1",
                "max(1, 2.5, 2) | 2.5",
                "gcd(12, 18) + lcm(4, 6) | 18",
                "comb(5, 2) | 10",
                "log(1000) | 3",
                "log(8, 2) | 3",
                "ABS(-3) | 3",
                "0 ^ 0 | 1",
                "(-1)^1000001 | -1",
                "27^(1/3) | 3",
                "1 - 0.9999999999999999999999 | 0.0000000000000000000001",
                "10^40 / 3 | 3.33333333333333E+39",
                "--3 | 3",
                "2*-3 | -6",
            })
    void computes(String expression, String value) {
        assertEquals(value, Expression.value(expression).text());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "1 / 0 | division by zero",
                "5 % (2 - 2) | division by zero",
                "2 * (3 + | the expression \"2 * (3 +\" ends too early",
                "(1 + 2 | a \")\" is missing at the end",
                "1,234 * 2 | unexpected \",\" at character 2 of \"1,234 * 2\"; write numbers"
                        + " without separators, as 1234.5",
                "2(3) | unexpected \"(\" at character 2 of \"2(3)\"; write * to multiply",
                "2 x | unexpected \"x\" at character 3 of \"2 x\"; write * to multiply",
                "1 + 1 = 2 | unexpected \"=\" at character 7 of \"1 + 1 = 2\"; write only what is"
                        + " to be computed",
                "sqr(4) | \"sqr\" is unknown, did you mean \"sqrt\"?",
                "sqrt 4 | write sqrt(…)",
                "sqrt(-1) | sqrt of a negative number, -1",
                "sqrt(1, 2) | sqrt takes 1 value, got 2",
                "ln(-1) | ln of -1 is no real number",
                "gcd(1.5, 2) | gcd needs whole numbers, got 1.5",
                "2^100000 | the result has more than 3000 digits",
                "9^9^9^9 | the result has more than 3000 digits",
                "5000! | a factorial needs a number from 0 to 1000, got 5000",
                ". + 1 | \".\" is no number",
                "exp(1000) | the result is no number, or too large",
                "__import__('os') | unexpected \"_\" at character 1",
            })
    void whatCannotBeComputedIsSaid(String expression, String problem) {
        String message =
                assertThrows(IllegalArgumentException.class, () -> Expression.value(expression))
                        .getMessage();
        assertTrue(message.startsWith(problem), message);
    }

    @ParameterizedTest
    @ValueSource(strings = {"(", "-", "2^"})
    void whatIsNestedDeeplyIsRefused(String piece) {
        assertThrows(IllegalArgumentException.class, () -> Expression.value(piece.repeat(900)));
    }
}
