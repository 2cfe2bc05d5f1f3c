package org.attune.model.config;

import org.attune.error.ModelException;

import java.util.Optional;
import java.util.Set;

/// Feed-forward parts of which each token takes some, chosen by a router, [Shazeer et al. 2017,
/// §2](https://arxiv.org/abs/1701.06538).
///
/// @param count      experts of a block
/// @param chosen     experts that a token takes
/// @param inner      width inside of one
/// @param router     chooses them
/// @param biased     whether their projections have biases
/// @param clamp      of gate and up projection, if there is one
/// @param shared     width inside the expert that every token takes too; 0: there is none
/// @param dense      layers that have one feed-forward part instead
/// @param loss balances experts in training
/// @param beside     whether layers with experts have the dense part too. Both read the residual
///     stream by a norm for each, and what each puts out is normed before it is added
public record ExpertsConfig(
        int count,
        int chosen,
        int inner,
        RouterConfig router,
        boolean biased,
        Optional<Clamp> clamp,
        int shared,
        Set<Integer> dense,
        RouterLoss loss,
        boolean beside) {
    /// The loss that balances experts in training, `E Σ f P`.
    ///
    /// @param exists whether the family has such a loss
    /// @param factor `router_aux_loss_coef`; 0: none is wanted
    /// @param asked whether the model asks for it in all training (`output_router_logits`)
    public record RouterLoss(boolean exists, double factor, boolean asked) {
        /// Families without it.
        public static final RouterLoss NONE = new RouterLoss(false, 0, false);

        /// @throws ModelException if the factor isn't finite or below 0
        public RouterLoss {
            if (!(factor >= 0 && Double.isFinite(factor))) {
                throw new ModelException(
                        "router_aux_loss_coef is %s; accepted: finite numbers ≥ 0"
                                .formatted(factor));
            }
        }
    }

    /// Norm of what the dense part puts out, in the block.
    public static final String DENSE_NORM = "post_feedforward_layernorm_1";

    /// Norm of what experts beside a dense part read, in the block.
    public static final String NORM_BEFORE = "pre_feedforward_layernorm_2";

    /// Norm of what they put out, in the block.
    public static final String NORM_AFTER = "post_feedforward_layernorm_2";

    /// A gated part whose gate `g` and up projection `u` are bounded:
    /// ```
    /// (max(min(u, limit), −limit) + 1) · ĝ · σ(alpha · ĝ),     ĝ = min(g, limit)
    /// ```
    public record Clamp(double alpha, double limit) {
        /// @throws ModelException if a number isn't positive
        public Clamp {
            if (!(alpha > 0 && limit > 0 && Double.isFinite(alpha + limit))) {
                throw new ModelException(
                        "swiglu_alpha is %s and swiglu_limit %s; accepted: finite numbers above 0"
                                .formatted(alpha, limit));
            }
        }
    }

    /// @throws ModelException if there are fewer experts than a token takes
    public ExpertsConfig {
        dense = Set.copyOf(dense);
        if (chosen < 1 || chosen > count) {
            throw new ModelException(
                    "num_experts_per_tok is %d; accepted: 1 to %d, the number of experts"
                            .formatted(chosen, count));
        }
        router.requireFits(count, chosen);
    }

    /// Numbers in the matrices of one block, for inputs of this width.
    ///
    /// @param sharedGate whether a gate says how much of the shared expert a token takes
    long numbers(long width, boolean sharedGate) {
        return width * (count + 3L * count * inner + 3L * shared + (sharedGate ? 1 : 0));
    }

    /// How a router chooses experts for each token and weighs what they put out. `E` experts, of
    /// which a token takes `k`.
    ///
    /// @param scores      what the router's logits become
    /// @param biased      whether the router's projection has a bias
    /// @param corrected   whether a number for each expert is added to its score when experts are
    ///     chosen. It doesn't weigh, and nothing trains it ([Wang et al.
    ///     2024](https://arxiv.org/abs/2408.15664))
    /// @param groups      of neighbouring experts; a group's score is the sum of its best two
    /// @param chosenGroups groups that a token may take experts of
    /// @param weights     of the chosen experts
    /// @param scalesInput whether weights multiply what experts read instead of what they put out
    /// @param scaled      whether the router reads `s · norm(x) / √D`, with no weight in the norm,
    ///     and a learned factor of each expert multiplies its weight
    public record RouterConfig(
            Scores scores,
            boolean biased,
            boolean corrected,
            int groups,
            int chosenGroups,
            Weights weights,
            boolean scalesInput,
            boolean scaled) {
        /// Factors of the router's input, in the block.
        public static final String SCALE = "router.scale";

        /// Factors of experts' weights, in the block.
        public static final String EXPERT_SCALE = "router.per_expert_scale";

        /// A router that reads what experts read.
        public RouterConfig(
                Scores scores,
                boolean biased,
                boolean corrected,
                int groups,
                int chosenGroups,
                Weights weights,
                boolean scalesInput) {
            this(scores, biased, corrected, groups, chosenGroups, weights, scalesInput, false);
        }

        /// Adds learned factors of the router's input and of the experts' weights.
        RouterConfig withFactors() {
            return new RouterConfig(
                    scores, biased, corrected, groups, chosenGroups, weights, scalesInput, true);
        }

        /// What logits become.
        public sealed interface Scores {
            /// Softmax over all experts.
            record Softmax() implements Scores {}

            /// A sigmoid of each logit.
            record Sigmoid() implements Scores {}

            /// SparseMixer ([Liu et al. 2023](https://arxiv.org/abs/2310.00811)) as models use it
            /// outside of training: the best expert weighs its softmax among those whose logits `s`
            /// aren't far below the best one `m`. Then the next one is chosen without it.
            /// ```
            /// far:  (m − s) / max(|s|, m) > 2 · jitter
            /// ```
            record SparseMixer(double jitter) implements Scores {}
        }

        /// Weights `w` of a token's experts with scores `s`:
        /// ```
        /// w = scale · s,  or  scale · s / max(Σ s + added, floor) if they are renormalised
        /// ```
        ///
        /// @param added to the sum
        /// @param floor of the sum
        public record Weights(boolean renormalised, double added, double floor, double scale) {
            /// Scores as they are.
            public static final Weights PLAIN = new Weights(false, 0, 0, 1);

            /// Scores over their sum.
            public static final Weights SHARES = new Weights(true, 0, 0, 1);

            /// @throws ModelException if a number isn't finite, or the scale is 0
            public Weights {
                if (!(added >= 0 && floor >= 0 && Double.isFinite(added + floor))) {
                    throw new ModelException(
                            "the sum of experts' weights is bounded by %s and %s; accepted: ≥ 0"
                                    .formatted(added, floor));
                }
                if (!(scale != 0 && Double.isFinite(scale))) {
                    throw new ModelException(
                            "routed_scaling_factor is %s; accepted: finite numbers but 0"
                                    .formatted(scale));
                }
            }
        }

        /// A softmax over all experts.
        ///
        /// @param renormalised whether a token's weights add up to 1
        public static RouterConfig softmax(boolean renormalised) {
            return new RouterConfig(
                    new Scores.Softmax(),
                    false,
                    false,
                    1,
                    1,
                    renormalised ? Weights.SHARES : Weights.PLAIN,
                    false);
        }

        /// @throws ModelException if there are fewer groups than a token may choose
        public RouterConfig {
            if (chosenGroups < 1 || chosenGroups > groups) {
                throw new ModelException(
                        "topk_group is %d; accepted: 1 to %d, n_group"
                                .formatted(chosenGroups, groups));
            }
        }

        /// @param experts `E`
        /// @param chosen `k`
        void requireFits(int experts, int chosen) {
            int size = experts / groups;
            if (experts % groups != 0 || groups > 1 && (size < 2 || chosen > size * chosenGroups)) {
                throw new ModelException(
                        ("%d experts in %d groups, of which a token takes %d in %d; accepted: equal"
                                        + " groups of two or more with enough experts")
                                .formatted(experts, groups, chosen, chosenGroups));
            }
            if (scores instanceof Scores.SparseMixer && chosen > 2) {
                throw new ModelException(
                        "num_experts_per_tok is %d; accepted: 1 or 2 with a sparse mixer"
                                .formatted(chosen));
            }
        }
    }
}
