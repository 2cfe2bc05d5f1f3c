package org.attune.trainers.testing;

import org.attune.trainers.examples.CompletionTokens;

import java.util.Arrays;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;

/// What a table of bigrams gives, in double and without [BigramPolicy]'s code.
public final class BigramFormulas {
    private static final int VOCABULARY = 7;

    private BigramFormulas() {}

    /// The logits of [BigramPolicy#seeded] for 7 tokens.
    public static double[] table(int seed) {
        return IntStream.range(0, VOCABULARY * VOCABULARY)
                .mapToDouble(i -> (float) Math.sin(12.9898 * (i + 1) + 78.233 * seed))
                .toArray();
    }

    /// Log-probability of a completion: its tokens but a very first one.
    public static double logProb(double[] table, CompletionTokens tokens) {
        double sum = 0;
        for (int t = Math.max(1, tokens.completionStart()); t < tokens.length(); t++) {
            int base = tokens.ids()[t - 1] * VOCABULARY;
            double norm = Arrays.stream(table, base, base + VOCABULARY).map(Math::exp).sum();
            sum += table[base + tokens.ids()[t]] - Math.log(norm);
        }
        return sum;
    }

    /// Norm of a loss's gradient at the table of seed 1, by central differences.
    public static double gradientNorm(ToDoubleFunction<double[]> loss) {
        double h = 1e-6;
        double squares = 0;
        for (int i = 0; i < VOCABULARY * VOCABULARY; i++) {
            double[] up = table(1);
            double[] down = table(1);
            up[i] += h;
            down[i] -= h;
            double slope = (loss.applyAsDouble(up) - loss.applyAsDouble(down)) / (2 * h);
            squares += slope * slope;
        }
        return Math.sqrt(squares);
    }
}
