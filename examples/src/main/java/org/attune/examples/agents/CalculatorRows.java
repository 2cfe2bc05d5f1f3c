package org.attune.examples.agents;

import org.apache.commons.rng.UniformRandomProvider;

import java.util.List;

/// Products and sums, by people who use a calculator for half of them.
final class CalculatorRows {
    private CalculatorRows() {}

    /// Half of the people call the tool and copy its answer; the others guess.
    static Dialogue careless(UniformRandomProvider random) {
        int a = 11 + random.nextInt(89);
        int b = 2 + random.nextInt(8);
        int c = 1 + random.nextInt(99);
        boolean minus = random.nextBoolean();
        String sum = a + "*" + b + (minus ? "-" : "+") + c;
        String answer = String.valueOf(a * b + (minus ? -c : c));
        if (random.nextBoolean()) {
            return new Dialogue(
                    List.of(sum, "call calculator " + sum, "= " + answer, answer), answer);
        }
        int guess = a * b + random.nextInt(201) - 100;
        return new Dialogue(List.of(sum, String.valueOf(guess)), answer);
    }
}
