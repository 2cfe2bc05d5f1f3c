package org.attune.reward.task;

import org.apache.commons.rng.UniformRandomProvider;

import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;

/// `Sort ascending: 5 3 9 1` Careless people repeat the numbers as they are.
final class NumberSorting implements TaskKind {
    private static final String COUNT = "count";
    private static final String DIGITS = "digits";
    private static final String ORDERS = "orders";

    @Override
    public String name() {
        return "number-sorting";
    }

    @Override
    public String description() {
        return "sort numbers";
    }

    @Override
    public List<Parameter> parameters() {
        return List.of(
                new Parameter(COUNT, "how many numbers", 2, 30, 4, 6, 10),
                new Parameter(DIGITS, "most digits of a number", 1, 9, 1, 2, 3),
                new Parameter(ORDERS, "1: ascending, 2: descending too", 1, 2, 1, 2, 2));
    }

    @Override
    public AnswerCheck check() {
        return AnswerCheck.NUMBERS;
    }

    @Override
    public Problem draw(Difficulty difficulty, UniformRandomProvider random) {
        int bound = difficulty.bound(DIGITS);
        List<Integer> numbers = random.ints(difficulty.get(COUNT), 0, bound).boxed().toList();
        boolean ascending = random.nextInt(difficulty.get(ORDERS)) == 0;
        Comparator<Integer> order = Comparator.naturalOrder();
        List<Integer> sorted =
                numbers.stream().sorted(ascending ? order : order.reversed()).toList();
        return Problem.of(
                "Sort %s: %s".formatted(ascending ? "ascending" : "descending", text(numbers)),
                text(sorted),
                text(numbers));
    }

    private static String text(List<Integer> numbers) {
        return numbers.stream().map(String::valueOf).collect(Collectors.joining(" "));
    }
}
