package org.attune.reward.task;

import org.apache.commons.rng.UniformRandomProvider;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;

/// `Sort from smallest to largest: 5, 3, 9` Careless people leave the last one where it is.
final class NumberSorting implements TaskKind {
    private static final String COUNT = "count";
    private static final String DIGITS = "digits";

    @Override
    public String name() {
        return "number-sorting";
    }

    @Override
    public String description() {
        return "sort numbers, upwards or downwards";
    }

    @Override
    public List<Parameter> parameters() {
        return List.of(
                new Parameter(COUNT, "how many numbers", 2, 30, 4, 6, 10),
                new Parameter(DIGITS, "most digits of a number", 1, 9, 1, 2, 3));
    }

    @Override
    public AnswerCheck check() {
        return AnswerCheck.NUMBERS;
    }

    @Override
    public Problem draw(Difficulty difficulty, UniformRandomProvider random) {
        int bound = (int) Math.round(Math.pow(10, difficulty.get(DIGITS)));
        List<Integer> numbers = random.ints(difficulty.get(COUNT), 0, bound).boxed().toList();
        boolean upwards = random.nextBoolean();
        return Problem.of(
                "Sort from %s: %s"
                        .formatted(
                                upwards ? "smallest to largest" : "largest to smallest",
                                text(numbers)),
                text(sorted(numbers, numbers.size(), upwards)),
                text(sorted(numbers, numbers.size() - 1, upwards)));
    }

    /// With the first `count` in order.
    private static List<Integer> sorted(List<Integer> numbers, int count, boolean upwards) {
        var sorted = new ArrayList<>(numbers);
        Comparator<Integer> order = Comparator.naturalOrder();
        sorted.subList(0, count).sort(upwards ? order : order.reversed());
        return sorted;
    }

    private static String text(List<Integer> numbers) {
        return numbers.stream().map(String::valueOf).collect(Collectors.joining(", "));
    }
}
