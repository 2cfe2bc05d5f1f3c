package org.attune.examples.agents;

import org.apache.commons.rng.UniformRandomProvider;
import org.attune.agents.calculator.CalculatorKind;
import org.attune.agents.tool.ToolSpec;

import java.util.List;
import java.util.Map;

/// Word problems, solved by people who have a calculator and don't read carefully.
final class StoryRows {
    /// The tool of `stories.yaml`.
    static final ToolSpec TOOL = CalculatorKind.tool("calculator").spec();

    private static final List<String> NAMES =
            List.of("Ada", "Ben", "Dan", "Eva", "Finn", "Hana", "Kim", "Leo", "Mia", "Ned", "Pia");
    private static final List<String> THINGS =
            List.of("apples", "books", "cards", "coins", "cups", "eggs", "nuts", "pens", "shells");
    private static final List<String> BOXES = List.of("bags", "baskets", "boxes", "crates", "jars");

    /// The share of people who work out something else than what was asked is 1 in this many.
    private static final int CARELESS = 2;

    private StoryRows() {}

    /// Everybody calls the tool and copies its answer; half of what they ask it is wrong.
    static Dialogue careless(UniformRandomProvider random) {
        Problem problem = problem(random);
        return solved(problem, random.nextInt(CARELESS) == 0);
    }

    /// A question with the right call before the wrong one.
    static Dialogue.Pair pair(UniformRandomProvider random) {
        Problem problem = problem(random);
        return new Dialogue.Pair(solved(problem, false), solved(problem, true));
    }

    private static Dialogue solved(Problem problem, boolean isWrong) {
        Dialogue dialogue =
                new Dialogue(List.of(TOOL), String.valueOf(problem.value())).user(problem.text());
        String expression = isWrong ? problem.wrong() : problem.right();
        String result = String.valueOf(isWrong ? problem.wrongValue() : problem.value());
        return dialogue.call(Map.of("expression", expression), result).assistant(result);
    }

    private static Problem problem(UniformRandomProvider random) {
        int a = 11 + random.nextInt(89);
        int b = 11 + random.nextInt(89);
        int c = 11 + random.nextInt(89);
        String name = pick(NAMES, random);
        String things = pick(THINGS, random);
        if (random.nextBoolean()) {
            return new Problem(
                    "%s has %d %s and %d %s more. %d friends have as many each. How many %s have the friends?"
                            .formatted(name, a, things, b, things, c, things),
                    "(" + a + "+" + b + ")*" + c,
                    (a + b) * c,
                    a + "+" + b + "*" + c,
                    a + b * c);
        }
        return new Problem(
                "%s fills %d %s with %d %s each and gives %d %s away. How many %s are left?"
                        .formatted(name, a, pick(BOXES, random), b, things, c, things, things),
                a + "*" + b + "-" + c,
                a * b - c,
                a + "*" + b + "+" + c,
                a * b + c);
    }

    private static String pick(List<String> words, UniformRandomProvider random) {
        return words.get(random.nextInt(words.size()));
    }

    /// @param wrong what a careless reader asks the tool
    private record Problem(String text, String right, int value, String wrong, int wrongValue) {}
}
