package org.attune.reward;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.apache.commons.rng.simple.RandomSource;
import org.junit.jupiter.api.Test;

/// Expected values are worked out by hand in the comments.
class TokenAdvantagesTest {
    private static final double TOLERANCE = 1e-12;

    private static double[][] ones(double[]... like) {
        double[][] mask = new double[like.length][];
        for (int i = 0; i < like.length; i++) {
            mask[i] = new double[like[i].length];
            java.util.Arrays.fill(mask[i], 1);
        }
        return mask;
    }

    @Test
    void advantagesGoBackFromTheEnd() {
        // δ = .1, .1, .3;  A = .3, .1 + .95 · .3, .1 + .95 · .385
        double[] rewards = {0, 0, 1};
        double[] values = {.5, .6, .7};
        TokenAdvantages a =
                TokenAdvantages.gae(
                        new double[][] {rewards}, new double[][] {values}, ones(rewards), 1, .95);
        assertArrayEquals(new double[] {.46575, .385, .3}, a.advantages()[0], TOLERANCE);
        assertArrayEquals(new double[] {.96575, .985, 1}, a.returns()[0], TOLERANCE);
        assertArrayEquals(
                new double[] {.99134365, .01709213, -1.00843578},
                TokenAdvantages.whitened(a.advantages(), ones(rewards), true)[0],
                1e-8);
    }

    @Test
    void laterRewardsAreDiscounted() {
        // δ = -.01 + .99 · .6 - .5, .02 + .99 · .7 - .6, .3;  γ λ = .891
        double[] rewards = {-.01, .02, 1};
        double[] values = {.5, .6, .7};
        TokenAdvantages a =
                TokenAdvantages.gae(
                        new double[][] {rewards}, new double[][] {values}, ones(rewards), .99, .9);
        assertArrayEquals(new double[] {.4228473, .3803, .3}, a.advantages()[0], 1e-12);
    }

    @Test
    void neighboursOfOtherLengthChangeNothing() {
        double[][] rewards = {{0, 0, 1}, {2}, {.5, -1, 0, 0, 3}};
        double[][] values = {{.5, .6, .7}, {1}, {0, 1, 2, 3, 4}};
        TokenAdvantages all = TokenAdvantages.gae(rewards, values, ones(rewards), .9, .8);
        for (int i = 0; i < rewards.length; i++) {
            double[][] r = {rewards[i]};
            TokenAdvantages alone =
                    TokenAdvantages.gae(r, new double[][] {values[i]}, ones(r), .9, .8);
            assertArrayEquals(alone.advantages()[0], all.advantages()[i], TOLERANCE);
            assertArrayEquals(alone.returns()[0], all.returns()[i], TOLERANCE);
        }
    }

    @Test
    void foreignTokensArePassedOver() {
        double[][] rewards = {{0, .3, 9, 1}};
        double[][] values = {{.5, .6, -7, .7}};
        double[][] mask = {{1, 1, 0, 1}};
        TokenAdvantages a = TokenAdvantages.gae(rewards, values, mask, .9, .8);
        double[][] shorter = {{0, .3, 1}};
        TokenAdvantages without =
                TokenAdvantages.gae(shorter, new double[][] {{.5, .6, .7}}, ones(shorter), .9, .8);
        double[] own = without.advantages()[0];
        assertArrayEquals(new double[] {own[0], own[1], 0, own[2]}, a.advantages()[0], TOLERANCE);
    }

    /// ND4J treats matrices of one row or column unlike others, so every small shape is compared
    /// with plain loops.
    @Test
    void everyShapeIsAsPlainLoopsSay() {
        for (int completions = 1; completions <= 4; completions++) {
            for (int longest = 1; longest <= 4; longest++) {
                for (boolean ragged : new boolean[] {false, true}) {
                    compareWithLoops(completions, longest, ragged);
                }
            }
        }
    }

    private static void compareWithLoops(int completions, int longest, boolean ragged) {
        var random = RandomSource.XO_RO_SHI_RO_128_PP.create(31L * completions + longest);
        double[][] rewards = new double[completions][];
        double[][] values = new double[completions][];
        double[][] mask = new double[completions][];
        for (int i = 0; i < completions; i++) {
            int length = ragged ? 1 + random.nextInt(longest) : longest;
            rewards[i] = random.doubles(length, -1, 1).toArray();
            values[i] = random.doubles(length, -1, 1).toArray();
            mask[i] = random.ints(length, 0, 4).mapToDouble(k -> k == 0 ? 0 : 1).toArray();
        }
        String shape = completions + " completions of " + longest + ", ragged " + ragged;
        TokenAdvantages all = TokenAdvantages.gae(rewards, values, mask, .9, .8);
        double[][] white = TokenAdvantages.whitened(rewards, mask, true);
        double[][] kept = TokenAdvantages.whitened(rewards, mask, false);
        double count = 0;
        double sum = 0;
        double squares = 0;
        for (int i = 0; i < completions; i++) {
            double next = 0;
            double later = 0;
            for (int t = rewards[i].length - 1; t >= 0; t--) {
                double advantage = 0;
                if (mask[i][t] == 1) {
                    advantage = rewards[i][t] + .9 * next - values[i][t] + .9 * .8 * later;
                    next = values[i][t];
                    later = advantage;
                    count++;
                    sum += rewards[i][t];
                    squares += rewards[i][t] * rewards[i][t];
                }
                assertEquals(advantage, all.advantages()[i][t], TOLERANCE, shape);
                assertEquals(advantage + values[i][t], all.returns()[i][t], TOLERANCE, shape);
            }
        }
        double mean = sum / Math.max(1, count);
        double variance = (squares - count * mean * mean) / (count - 1);
        double scale = count < 2 ? 1 : 1 / Math.sqrt(variance + 1e-8);
        for (int i = 0; i < completions; i++) {
            for (int t = 0; t < rewards[i].length; t++) {
                double expected = mask[i][t] * (rewards[i][t] - mean) * scale;
                assertEquals(expected, white[i][t], 1e-9, shape);
                assertEquals(expected + mask[i][t] * mean, kept[i][t], 1e-9, shape);
            }
        }
    }

    @Test
    void whiteningCountsRealTokensOnly() {
        // 1, 2, 3, 6: mean 3, variance (4 + 1 + 0 + 9) / 3
        double[][] rows = {{1, 2, 99}, {3}, {6, -99}};
        double[][] mask = {{1, 1, 0}, {1}, {1, 0}};
        double scale = 1 / Math.sqrt(14 / 3.0 + 1e-8);
        double[][] white = TokenAdvantages.whitened(rows, mask, true);
        assertArrayEquals(new double[] {-2 * scale, -scale, 0}, white[0], TOLERANCE);
        assertArrayEquals(new double[] {0}, white[1], TOLERANCE);
        assertArrayEquals(new double[] {3 * scale, 0}, white[2], TOLERANCE);
        double[][] kept = TokenAdvantages.whitened(rows, mask, false);
        assertArrayEquals(new double[] {3 - 2 * scale, 3 - scale, 0}, kept[0], TOLERANCE);
    }

    @Test
    void oneTokenHasNoVariance() {
        double[][] row = {{4}};
        assertEquals(0, TokenAdvantages.whitened(row, ones(row[0]), true)[0][0]);
        assertEquals(4, TokenAdvantages.whitened(row, ones(row[0]), false)[0][0]);
    }

    @Test
    void lengthsMustAgree() {
        assertThrows(
                IllegalArgumentException.class,
                () ->
                        TokenAdvantages.gae(
                                new double[][] {{1, 2}},
                                new double[][] {{1}},
                                new double[][] {{1, 1}},
                                1,
                                1));
    }

    @Test
    void estimatesOfDivergenceAreThoseOfTheirFormulas() {
        // d = .2: .2, .02, exp(-.2) - 1 + .2
        assertEquals(.2, KlEstimator.K1.of(.2), TOLERANCE);
        assertEquals(.02, KlEstimator.K2.of(.2), TOLERANCE);
        assertEquals(.01873075307798186, KlEstimator.K3.of(.2), TOLERANCE);
        for (KlEstimator k : KlEstimator.values()) {
            double h = 1e-6;
            double slope = (k.of(.7 + h) - k.of(.7 - h)) / (2 * h);
            assertEquals(slope, k.slope(.7), 1e-9);
        }
    }

    @Test
    void turnsTakeThePlaceOfTokens() {
        // turns: tokens 0, 1 | 3, 4 (2 is a tool's); R = .5, 1; V = .2, .4
        // δ₁ = 1 − .4 = .6; δ₀ = .5 + .9 · .4 − .2 = .66; A₀ = .66 + .9 · .8 · .6 = 1.092
        TokenAdvantages a =
                TokenAdvantages.gaeOfTurns(
                        new double[][] {{.1, .4, 9, 0, 1}},
                        new double[][] {{.2, .3, 7, .4, .5}},
                        new double[][] {{1, 1, 0, 1, 1}},
                        new int[][] {{0, 0, 0, 1, 1}},
                        .9,
                        .8);
        assertArrayEquals(new double[] {1.092, 1.092, 0, .6, .6}, a.advantages()[0], TOLERANCE);
        assertArrayEquals(new double[] {1.292, 1.292, 7, 1, 1}, a.returns()[0], TOLERANCE);
    }
}
