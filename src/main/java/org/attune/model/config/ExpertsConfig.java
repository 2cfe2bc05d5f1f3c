package org.attune.model.config;

import org.attune.error.ModelException;

import java.util.Set;

/// Feed-forward parts of which each token takes some, chosen by a router, [Shazeer et al. 2017,
/// §2](https://arxiv.org/abs/1701.06538).
///
/// @param count        experts of a block
/// @param chosen       experts that a token takes
/// @param inner        width inside of one
/// @param renormalised whether the weights of the chosen ones are made to add up to 1
/// @param shared       width inside the expert that every token takes too; 0: there is none
/// @param dense        layers that have one feed-forward part instead
/// @param routerLoss   whether the model asks training to balance its experts
///     (`output_router_logits`); no computation here does, so only what doesn't train may use it
public record ExpertsConfig(
        int count,
        int chosen,
        int inner,
        boolean renormalised,
        int shared,
        Set<Integer> dense,
        boolean routerLoss) {
    /// @throws ModelException if there are fewer experts than a token takes
    public ExpertsConfig {
        dense = Set.copyOf(dense);
        if (chosen < 1 || chosen > count) {
            throw new ModelException(
                    "num_experts_per_tok is %d; accepted: 1 to %d, the number of experts"
                            .formatted(chosen, count));
        }
    }

    /// Numbers in the matrices of one block, for inputs of this width.
    long numbers(long width) {
        return width * (count + 3L * count * inner + 3L * shared + (shared > 0 ? 1 : 0));
    }
}
