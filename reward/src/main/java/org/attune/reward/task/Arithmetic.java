package org.attune.reward.task;

import org.apache.commons.rng.UniformRandomProvider;

import java.util.List;

/// `What is 37 + 58?` Careless people forget to carry and to borrow, and add where they should
/// multiply.
final class Arithmetic implements TaskKind {
    private static final String DIGITS = "digits";
    private static final String TERMS = "terms";
    private static final String OPERATORS = "operators";
    private static final String SIGNS = "+-*";

    @Override
    public String name() {
        return "arithmetic";
    }

    @Override
    public String description() {
        return "add, subtract and multiply whole numbers, multiplication first";
    }

    @Override
    public List<Parameter> parameters() {
        return List.of(
                new Parameter(DIGITS, "most digits of a number", 1, 9, 2, 3, 4),
                new Parameter(TERMS, "how many numbers", 2, 6, 2, 2, 3),
                new Parameter(OPERATORS, "1: +, 2: + and -, 3: + - and *", 1, 3, 1, 2, 3));
    }

    @Override
    public AnswerCheck check() {
        return AnswerCheck.NUMBER;
    }

    @Override
    public Problem draw(Difficulty difficulty, UniformRandomProvider random) {
        long bound = difficulty.bound(DIGITS);
        int terms = difficulty.get(TERMS);
        long[] numbers = random.longs(terms, 0, bound).toArray();
        var signs = new StringBuilder();
        for (int i = 1; i < terms; i++) {
            signs.append(SIGNS.charAt(random.nextInt(difficulty.get(OPERATORS))));
        }
        var text = new StringBuilder("What is ").append(numbers[0]);
        for (int i = 1; i < terms; i++) {
            text.append(' ').append(signs.charAt(i - 1)).append(' ').append(numbers[i]);
        }
        return Problem.of(
                text.append('?').toString(),
                Long.toString(evaluate(numbers, signs)),
                Long.toString(carelessly(numbers, signs)));
    }

    /// Products first, then from left to right.
    private static long evaluate(long[] numbers, CharSequence signs) {
        long sum = 0;
        long product = numbers[0];
        int sign = 1;
        for (int i = 1; i < numbers.length; i++) {
            char operator = signs.charAt(i - 1);
            if (operator == '*') {
                product = Math.multiplyExact(product, numbers[i]);
            } else {
                sum = Math.addExact(sum, sign * product);
                product = numbers[i];
                sign = operator == '+' ? 1 : -1;
            }
        }
        return Math.addExact(sum, sign * product);
    }

    /// Computes from left to right, column by column.
    private static long carelessly(long[] numbers, CharSequence signs) {
        long result = numbers[0];
        for (int i = 1; i < numbers.length; i++) {
            result = columns(result, numbers[i], signs.charAt(i - 1) == '-' ? -1 : 1);
        }
        return result;
    }

    /// Adds each column of digits for itself: `37 + 58` is 85.
    static long columns(long a, long b, int sign) {
        long result = 0;
        for (long place = 1; a / place > 0 || b / place > 0; place *= 10) {
            result += Math.floorMod(a / place % 10 + sign * (b / place % 10), 10L) * place;
        }
        return result;
    }
}
