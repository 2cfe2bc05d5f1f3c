package org.attune.model.layer;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// Attention of one block: its weights and its mathematics, not how it is computed.
///
/// @param qkv query, key and value projections
/// @param byHead whether they put out query, key and value of a head side by side
/// @param queryNorm norm of queries, or null
/// @param keyNorm norm of keys, or null
/// @param inner norm of what the output projection reads, if there is one
/// @param output output projection
/// @param window tokens that a token sees, itself included; 0 is all
/// @param softcap `c` of `c · tanh(score / c)`; 0 is none
/// @param sinks a score of each query head beside those of its keys, `(CG)`
/// @param rotates whether queries and keys are rotated by their positions
public record SelfAttention(
        FusedLinear qkv,
        boolean byHead,
        Norm queryNorm,
        Norm keyNorm,
        Optional<Norm> inner,
        FusedLinear output,
        int window,
        double softcap,
        Optional<Weight> sinks,
        boolean rotates)
        implements Mixer {
    @Override
    public List<FusedLinear> linears() {
        return List.of(qkv, output);
    }

    @Override
    public List<Norm> norms() {
        List<Norm> norms = new ArrayList<>();
        if (queryNorm != null) {
            norms.add(queryNorm);
            norms.add(keyNorm);
        }
        inner.ifPresent(norms::add);
        return norms;
    }

    @Override
    public List<Weight> others() {
        return sinks.stream().toList();
    }
}
