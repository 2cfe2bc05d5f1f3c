package org.attune.reward.task;

import org.apache.commons.rng.UniformRandomProvider;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/// `Which number is the largest: 12, 51 or 7?` Careless people take the first.
final class Extremum implements TaskKind {
    private static final String COUNT = "count";
    private static final String DIGITS = "digits";

    @Override
    public String name() {
        return "extremum";
    }

    @Override
    public String description() {
        return "find the largest or smallest of some numbers";
    }

    @Override
    public List<Parameter> parameters() {
        return List.of(
                new Parameter(COUNT, "how many numbers", 2, 30, 3, 5, 10),
                new Parameter(DIGITS, "most digits of a number", 1, 9, 2, 3, 5));
    }

    @Override
    public AnswerCheck check() {
        return AnswerCheck.NUMBER;
    }

    @Override
    public Problem draw(Difficulty difficulty, UniformRandomProvider random) {
        int bound = difficulty.bound(DIGITS);
        int[] numbers = random.ints(difficulty.get(COUNT), 0, bound).toArray();
        boolean largest = random.nextBoolean();
        int[] sorted = Arrays.stream(numbers).sorted().toArray();
        String list =
                Arrays.stream(numbers, 0, numbers.length - 1)
                        .mapToObj(String::valueOf)
                        .collect(Collectors.joining(", "));
        return Problem.of(
                "Which number is the %s: %s or %d?"
                        .formatted(
                                largest ? "largest" : "smallest",
                                list,
                                numbers[numbers.length - 1]),
                Integer.toString(largest ? sorted[sorted.length - 1] : sorted[0]),
                Integer.toString(numbers[0]));
    }
}
