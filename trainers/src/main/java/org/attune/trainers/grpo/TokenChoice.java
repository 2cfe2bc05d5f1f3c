package org.attune.trainers.grpo;

import org.apache.commons.rng.UniformRandomProvider;
import org.apache.commons.rng.sampling.PermutationSampler;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/// Chooses tokens of a micro-batch by what the policy says of all of them. What is chosen is a
/// constant. Unchosen tokens have no policy term, but with [KlCov] only no penalty.
sealed interface TokenChoice {
    /// @param rows the micro-batch
    /// @param entropies of each token's distribution, row by row, nats
    /// @param draws for choices by lot
    /// @return whether a token was chosen, row by row; never one with mask 0
    List<boolean[]> of(
            List<CompletionLogProbs> rows, List<double[]> entropies, UniformRandomProvider draws);

    /// The tokens of highest entropy ([Wang et al. 2025](https://arxiv.org/abs/2506.01939)): those
    /// at or above the quantile `1 − share`, between two tokens interpolated. As in TRL the
    /// quantile is a float32. Entropies that differ by rounding alone share their fate: completions
    /// of one prompt begin with one distribution, which may be computed more than once.
    ///
    /// @param share of the tokens, in [0, 1]
    record TopEntropy(double share) implements TokenChoice {
        /// How much equal entropies may differ, relative to the larger of 1 and the entropy.
        private static final double ROUNDING = 1e-6;

        @Override
        public List<boolean[]> of(
                List<CompletionLogProbs> rows,
                List<double[]> entropies,
                UniformRandomProvider draws) {
            List<Place> places = Place.all(rows);
            float[] sorted = new float[places.size()];
            for (int i = 0; i < sorted.length; i++) {
                sorted[i] = (float) places.get(i).of(entropies);
            }
            Arrays.sort(sorted);
            double least = sorted.length == 0 ? 0 : quantile(sorted, (float) (1 - share));
            double lowest =
                    places.stream()
                            .mapToDouble(place -> place.of(entropies))
                            .filter(entropy -> entropy >= least)
                            .min()
                            .orElse(Double.POSITIVE_INFINITY);
            double bound = lowest - ROUNDING * Math.max(1, lowest);
            places.removeIf(place -> !(place.of(entropies) >= bound));
            return Place.marked(rows, places);
        }

        /// The quantile as torch rounds it: a place that is a whole number in exact arithmetic can
        /// be a little more.
        private static float quantile(float[] sorted, float at) {
            double rank = (double) at * (sorted.length - 1);
            int below = (int) Math.floor(rank);
            float low = sorted[below];
            float high = sorted[Math.min(sorted.length - 1, below + 1)];
            float weight = (float) (rank - below);
            return weight < 0.5f
                    ? Math.fma(weight, high - low, low)
                    : Math.fma(low - high, 1 - weight, high);
        }
    }

    /// All tokens but a few drawn from those whose log-probability and advantage vary together
    /// strongly ([Cui et al. 2025, Clip-Cov](https://arxiv.org/abs/2505.22617)), which are what
    /// makes entropy collapse. Tokens whose ratio is clipped anyway aren't drawn.
    ///
    /// @param share of the counted tokens that is drawn, at least one token
    /// @param low least covariance of a token that may be drawn
    /// @param high largest covariance
    /// @param clip what clips ratios
    record ClipCov(double share, double low, double high, PolicyLoss.Clipped clip)
            implements TokenChoice {
        @Override
        public List<boolean[]> of(
                List<CompletionLogProbs> rows,
                List<double[]> entropies,
                UniformRandomProvider draws) {
            List<Place> places = Place.all(rows);
            var covariances = Covariances.of(rows, places);
            List<Place> strong = new ArrayList<>(places);
            strong.removeIf(
                    place -> {
                        double c = covariances.at(rows, place);
                        return !(c > low && c < high) || isClipped(rows, place);
                    });
            int[] order = new int[strong.size()];
            Arrays.setAll(order, i -> i);
            PermutationSampler.shuffle(draws, order);
            int drawn = Math.min(order.length, Math.max(1, (int) (share * places.size())));
            List<boolean[]> chosen = Place.marked(rows, places);
            for (int i = 0; i < drawn; i++) {
                Place out = strong.get(order[i]);
                chosen.get(out.row())[out.token()] = false;
            }
            return chosen;
        }

        private boolean isClipped(List<CompletionLogProbs> rows, Place place) {
            CompletionLogProbs row = rows.get(place.row());
            double logRatio = row.logRatio(place.token());
            return clip.isHeld(Math.exp(logRatio), row.advantage(place.token()));
        }
    }

    /// The tokens whose log-probability and advantage vary together most
    /// ([Cui et al. 2025, KL-Cov](https://arxiv.org/abs/2505.22617)), which get a penalty.
    ///
    /// @param share of the counted tokens, at least one token
    record KlCov(double share) implements TokenChoice {
        @Override
        public List<boolean[]> of(
                List<CompletionLogProbs> rows,
                List<double[]> entropies,
                UniformRandomProvider draws) {
            List<Place> places = Place.all(rows);
            var covariances = Covariances.of(rows, places);
            int count = Math.min(places.size(), Math.max(1, (int) (share * places.size())));
            List<Place> most = new ArrayList<>(places);
            most.sort(Comparator.comparingDouble(p -> -covariances.at(rows, p)));
            return Place.marked(rows, most.subList(0, count));
        }
    }

    /// A counted token.
    ///
    /// @param row its completion
    /// @param token its number in it
    record Place(int row, int token) {
        private static List<Place> all(List<CompletionLogProbs> rows) {
            List<Place> places = new ArrayList<>();
            for (int i = 0; i < rows.size(); i++) {
                for (int t = 0; t < rows.get(i).tokens(); t++) {
                    if (rows.get(i).mask()[t] != 0) {
                        places.add(new Place(i, t));
                    }
                }
            }
            return places;
        }

        private double of(List<double[]> values) {
            return values.get(row)[token];
        }

        private static List<boolean[]> marked(List<CompletionLogProbs> rows, List<Place> places) {
            List<boolean[]> marked = new ArrayList<>();
            rows.forEach(row -> marked.add(new boolean[row.tokens()]));
            places.forEach(place -> marked.get(place.row())[place.token()] = true);
            return marked;
        }
    }

    /// Each token's share in the covariance of log-probability and advantage.
    ///
    /// @param logProb mean log-probability
    /// @param advantage mean advantage
    record Covariances(double logProb, double advantage) {
        private static Covariances of(List<CompletionLogProbs> rows, List<Place> places) {
            double logProb = 0;
            double advantage = 0;
            for (Place place : places) {
                logProb += rows.get(place.row()).policy()[place.token()];
                advantage += rows.get(place.row()).advantage(place.token());
            }
            int count = Math.max(1, places.size());
            return new Covariances(logProb / count, advantage / count);
        }

        private double at(List<CompletionLogProbs> rows, Place place) {
            CompletionLogProbs row = rows.get(place.row());
            return (row.policy()[place.token()] - logProb)
                    * (row.advantage(place.token()) - advantage);
        }
    }
}
