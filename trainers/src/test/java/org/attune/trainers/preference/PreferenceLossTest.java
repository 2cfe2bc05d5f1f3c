package org.attune.trainers.preference;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ConfigException;
import org.attune.trainers.preference.PreferenceLoss.Denominators;
import org.junit.jupiter.api.Test;

import java.util.Arrays;
import java.util.List;
import java.util.OptionalDouble;

class PreferenceLossTest {
    private static final double BETA = 0.1;

    /// One pair with `log π(y_w) = -10`, `log π(y_l) = -12`, references -11 and -11.5, so
    /// `r_w = 1`, `r_l = -½`, `Δ = 1.5`; lengths 4 and 5. Worked out by hand from the formulas.
    @Test
    void lossesMatchHandComputation() {
        expect(0.62095705, new PreferenceLoss.Sigmoid(BETA, 0));
        expect(0.63595705, new PreferenceLoss.Sigmoid(BETA, 0.1));
        expect(0.85, new PreferenceLoss.Hinge(BETA));
        expect(21.6225, new PreferenceLoss.Ipo(BETA));
        expect(0.43138846, new PreferenceLoss.ExoPair(BETA, 0.1));
        expect(1.35082481, new PreferenceLoss.NcaPair(BETA));
        expect(0.60220705, new PreferenceLoss.Robust(BETA, 0.1));
        expect(1.31285631, new PreferenceLoss.BcoPair(BETA));
        expect(36.25, new PreferenceLoss.SppoHard(BETA));
        expect(0.96252342, new PreferenceLoss.ApoZero(BETA));
        expect(0.98754934, new PreferenceLoss.ApoDown(BETA));
        expect(0.84933758, new PreferenceLoss.DiscoPop(BETA, 0.05));
        expect(0.67580030, new PreferenceLoss.SigmoidNorm(BETA));
    }

    /// `r_w = -1` and `r_l = -½`, so `Δ = -½`; with λ = 3 the penalty is 3: `-log σ(0.1 · -3.5)`.
    /// The slope by the chosen side is 1 + λ times that of DPO at the same margin.
    @Test
    void dpopPunishesChosenCompletionsThatBecameLessLikely() {
        var dpop = new PreferenceLoss.Dpop(BETA, 3);
        var whole = new Denominators(1, 4);
        Slopes got = dpop.evaluate(pair(-12, -12), new Divergence.ReverseKl(), whole);
        assertEquals(0.88338216, got.loss(), 1e-7);
        assertEquals(-0.23464703, got.chosen()[0], 1e-7);
        assertEquals(0.05866176, got.rejected()[0], 1e-7);
        expect(0.62095705, dpop);
        checkDerivative("dpop", dpop, new Divergence.ReverseKl());
        expect(0.62095705, new PreferenceLoss.Dpop(BETA, 0));
    }

    @Test
    void dpopIsAskedForByItsName() {
        DpoConfig config =
                DpoConfig.defaults()
                        .withLoss(l -> l.withLossType(List.of(DpoLossType.DPOP)).withBeta(0.3))
                        .withVariant(v -> v.withDpopLambda(5));
        assertEquals(
                new PreferenceLoss.Dpop(0.3, 5),
                DpoObjectives.of(config).terms().getFirst().loss());
        DpoConfig diverged = config.withVariant(v -> v.withFDivergenceType(FDivergence.FORWARD_KL));
        assertTrue(
                diverged.crossFieldProblems().stream()
                        .anyMatch(problem -> problem.key().equals("f_divergence_type")),
                "it is defined on plain log-ratios");
    }

    /// Log-ratios of ±500 with every loss, divergence and β: no number is NaN. Where exponentials
    /// overflow, as of forward KL, a loss may be infinite, which ends the run.
    @Test
    void nothingIsNotANumberFarOut() {
        double[] far = {-500, -40, 0, 40, 500};
        for (String name : DpoLossType.names(type -> type != DpoLossType.DPOP)) {
            for (double beta : new double[] {0.01, 0.1, 2}) {
                PreferenceLoss loss = PreferenceOptions.loss(name, beta, 0.1, 0.05);
                for (double chosen : far) {
                    for (double rejected : far) {
                        Slopes got =
                                loss.evaluate(
                                        pair(-11 + chosen, -11.5 + rejected),
                                        new Divergence.ReverseKl(),
                                        new Denominators(1, 4));
                        String what = name + " " + beta + ": " + chosen + ", " + rejected;
                        assertTrue(Double.isFinite(got.loss()), what);
                        assertTrue(Double.isFinite(got.chosen()[0]), what);
                        assertTrue(Double.isFinite(got.rejected()[0]), what);
                    }
                }
            }
        }
    }

    /// ε, β, Δ, loss and slope by Δ of TRL's expression in float64, whose ε is float32; its
    /// logarithms miss the nearest float32 number in two cases of twelve.
    @Test
    void smoothedLabelsAreRoundedAsByTrl() {
        double[][] known = {
            {0.001, 0.1, 3.7, 2.1463700648358763, -0.15795104327001233},
            {0.001, 0.5, -2.2, 4.620813932907637, -0.7501123482015338},
            {0.0001, 0.5, -2.2, 6.348126802281759, -0.9659142598159929},
            {0.01, 0.5, -2.2, 2.8955362788680494, -0.5335469661511772},
            {0.05, 0.1, 3.7, 0.5778942892988302, -0.062207522796095885},
            {0.1, 0.5, -2.2, 1.1918012740349029, -0.30890028896660937},
            {0.123, 0.5, -2.2, 1.0429518981572232, -0.28708086955140827},
            {0.2, 0.1, 0.0, 0.22314357202975732, -0.034657359495759016},
            {0.3, 0.5, -2.2, 0.4303195325995487, -0.18243248154315347},
            {0.37, 0.5, -2.2, 0.29928729126850095, -0.1529141314195051},
            {0.45, 0.5, -2.2, 0.18634299725903036, -0.12185325798875477},
            {0.49, 0.5, -2.2, 0.14130974386862635, -0.10680133033346995}
        };
        for (double[] k : known) {
            Slopes got =
                    new PreferenceLoss.ExoPair(k[1], k[0])
                            .evaluate(
                                    pair(-11 + k[2], -11.5),
                                    new Divergence.ReverseKl(),
                                    new Denominators(1, 4));
            assertEquals(k[3], got.loss(), 6e-8, Arrays.toString(k));
            assertEquals(k[4], got.chosen()[0], 6e-8, Arrays.toString(k));
        }
    }

    private static void expect(double loss, PreferenceLoss formula) {
        PairScores scores = pair(-10, -12);
        Slopes got = formula.evaluate(scores, new Divergence.ReverseKl(), new Denominators(1, 4));
        assertEquals(loss, got.loss(), 1e-7, formula.toString());
    }

    /// Policy margins 2 and -5, reference margins ½ and -1: by rank -5 + 1 and 2 - ½. Log-ratios of
    /// the chosen 1 and -2, of the rejected -½ and 2: by rank -2 + ½ and 1 - 2.
    @Test
    void aotComparesSortedMargins() {
        var scores =
                new PairScores(
                        new double[] {-10, -20},
                        new double[] {-12, -15},
                        new double[] {-11, -18},
                        new double[] {-11.5, -17},
                        new int[] {1, 1},
                        new int[] {1, 1},
                        new double[2],
                        new double[] {1, 1});
        var whole = new Denominators(2, 2);
        var none = new Divergence.ReverseKl();
        assertEquals(
                0.76698615,
                new PreferenceLoss.Aot(BETA, 0).evaluate(scores, none, whole).loss(),
                1e-7);
        assertEquals(
                0.75767685,
                new PreferenceLoss.AotUnpaired(BETA, 0).evaluate(scores, none, whole).loss(),
                1e-7);
    }

    @Test
    void derivativesAreThoseOfTheLoss() {
        List<Divergence> divergences =
                List.of(
                        new Divergence.ReverseKl(),
                        new Divergence.ForwardKl(),
                        new Divergence.JensenShannon(),
                        new Divergence.Alpha(0.5),
                        new Divergence.Alpha(2));
        for (String name : DpoLossType.names(type -> type != DpoLossType.DPOP)) {
            PreferenceLoss loss = PreferenceOptions.loss(name, BETA, 0.1, 0.05);
            for (Divergence divergence : divergences) {
                checkDerivative(name + " " + divergence, loss, divergence);
            }
        }
    }

    private static void checkDerivative(String what, PreferenceLoss loss, Divergence divergence) {
        double h = 1e-5;
        var whole = new Denominators(1, 4);
        Slopes slopes = loss.evaluate(pair(-10, -12), divergence, whole);
        double byChosen =
                (loss.evaluate(pair(-10 + h, -12), divergence, whole).loss()
                                - loss.evaluate(pair(-10 - h, -12), divergence, whole).loss())
                        / (2 * h);
        double byRejected =
                (loss.evaluate(pair(-10, -12 + h), divergence, whole).loss()
                                - loss.evaluate(pair(-10, -12 - h), divergence, whole).loss())
                        / (2 * h);
        // the NLL of a chosen completion of 4 tokens changes with each of its tokens
        double chosen = slopes.chosen()[0] + slopes.chosenToken();
        assertEquals(byChosen, chosen, 1e-7 * Math.max(1, Math.abs(byChosen)), what);
        assertEquals(
                byRejected, slopes.rejected()[0], 1e-7 * Math.max(1, Math.abs(byRejected)), what);
    }

    @Test
    void tokensBeyondTheShorterCompletionCountAlpha() {
        var objective =
                new PreferenceObjective(
                        List.of(
                                new PreferenceObjective.Term(
                                        new PreferenceLoss.Sigmoid(BETA, 0), 1)),
                        new Divergence.ReverseKl(),
                        OptionalDouble.of(0.5));
        double[] chosen = {-1, -2, -4};
        double[] rejected = {-3};
        ReferenceLogProbs reference = objective.reference(chosen, rejected);
        assertEquals(-1 - 0.5 * 6, reference.chosen());
        PairScores scores =
                objective.scores(
                        new PairTokens(
                                List.of(new PairTokens.Pair(chosen, rejected, reference, 1))));
        Slopes slopes = objective.evaluate(scores, new Denominators(1, 3));
        assertEquals(Math.log(2), slopes.loss(), 1e-15);
        assertEquals(-0.05, objective.chosenToken(slopes, scores, 0, 0), 1e-15);
        assertEquals(-0.025, objective.chosenToken(slopes, scores, 0, 2), 1e-15);
        assertEquals(0.05, objective.rejectedToken(slopes, scores, 0, 0), 1e-15);
    }

    @Test
    void hugeMarginsStayFinite() {
        PairScores scores = pair(-10_000, -1);
        Slopes slopes =
                new PreferenceLoss.Sigmoid(1, 0)
                        .evaluate(scores, new Divergence.ReverseKl(), new Denominators(1, 4));
        assertEquals(9999.5, slopes.loss() - 1, 1.0);
        assertEquals(-1, slopes.chosen()[0], 1e-15);
    }

    @Test
    void parametersOutOfRangeAreRefused() {
        assertThrows(
                IllegalArgumentException.class, () -> new PreferenceLoss.Sigmoid(Double.NaN, 0));
        assertThrows(IllegalArgumentException.class, () -> new PreferenceLoss.Robust(0.1, 0.5));
        assertThrows(IllegalArgumentException.class, () -> new PreferenceLoss.ExoPair(0.1, 0));
        var error =
                assertThrows(
                        ConfigException.class,
                        () -> PreferenceOptions.loss("exo_pair", 0.1, 0, 0.05));
        assertTrue(error.getMessage().startsWith("loss_type exo_pair: "), error.getMessage());
    }

    private static PairScores pair(double chosen, double rejected) {
        return new PairScores(
                new double[] {chosen},
                new double[] {rejected},
                new double[] {-11},
                new double[] {-11.5},
                new int[] {4},
                new int[] {5},
                new double[] {-chosen},
                new double[] {1});
    }
}
