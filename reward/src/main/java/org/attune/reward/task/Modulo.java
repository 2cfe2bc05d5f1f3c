package org.attune.reward.task;

import org.apache.commons.rng.UniformRandomProvider;

import java.util.List;

/// `What is the remainder of 47 divided by 6?` Careless people give the quotient.
final class Modulo implements TaskKind {
    private static final String DIGITS = "digits";
    private static final String DIVISOR = "divisor";

    @Override
    public String name() {
        return "modulo";
    }

    @Override
    public String description() {
        return "remainders of whole numbers";
    }

    @Override
    public List<Parameter> parameters() {
        return List.of(
                new Parameter(DIGITS, "most digits of the number", 2, 9, 2, 3, 5),
                new Parameter(DIVISOR, "largest divisor", 2, 99, 9, 12, 99));
    }

    @Override
    public AnswerCheck check() {
        return AnswerCheck.NUMBER;
    }

    @Override
    public Problem draw(Difficulty difficulty, UniformRandomProvider random) {
        int bound = difficulty.bound(DIGITS);
        int number = random.nextInt(bound);
        int divisor = random.nextInt(2, difficulty.get(DIVISOR) + 1);
        return Problem.of(
                "What is the remainder of %d divided by %d?".formatted(number, divisor),
                Integer.toString(number % divisor),
                Integer.toString(number / divisor));
    }
}
