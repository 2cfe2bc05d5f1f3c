package org.attune.rollout.generation;

import org.attune.model.layer.Adapter;
import org.attune.rollout.SampledCompletion;
import org.attune.rollout.sampling.SamplingConfig;
import org.attune.rollout.sampling.TokenConstraint;

import java.util.Optional;

/// A prompt to complete, with its own settings.
///
/// @param prompt token ids, at least one
/// @param sampling how tokens are chosen and what ends the completion. Its draws follow from its
///     seed, `index` and the position of a token alone; `max_time` begins with the submission
/// @param mostTokens of the completion, own and others, ≥ 1; in place of `max_new_tokens`
/// @param index tells apart completions with the same seed, as those of one prompt; ≥ 0
/// @param drawn position of the first token among the draws; above 0 where the sequence replaces
///     another one, behind whose tokens it goes on
/// @param adapter which of the decoder's adapters applies
/// @param constraint which tokens may come; of this request alone
/// @param begun tokens of it from an earlier request; the sequence goes on behind them
@SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
public record SequenceRequest(
        int[] prompt,
        SamplingConfig sampling,
        int mostTokens,
        int index,
        int drawn,
        Adapter adapter,
        TokenConstraint constraint,
        Optional<SampledCompletion> begun) {
    /// The first completion of a prompt with this seed by the base model, without a constraint.
    public static SequenceRequest of(int[] prompt, SamplingConfig sampling) {
        return new SequenceRequest(
                prompt,
                sampling,
                sampling.maxNewTokens(),
                0,
                0,
                Adapter.OFF,
                TokenConstraint.NONE,
                Optional.empty());
    }

    public SequenceRequest withIndex(int value) {
        return new SequenceRequest(
                prompt, sampling, mostTokens, value, drawn, adapter, constraint, begun);
    }

    public SequenceRequest withAdapter(Adapter value) {
        return new SequenceRequest(
                prompt, sampling, mostTokens, index, drawn, value, constraint, begun);
    }

    public SequenceRequest withConstraint(TokenConstraint value) {
        return new SequenceRequest(
                prompt, sampling, mostTokens, index, drawn, adapter, value, begun);
    }

    /// Goes on behind tokens of an earlier request.
    SequenceRequest behind(SampledCompletion before) {
        return new SequenceRequest(
                prompt,
                sampling,
                mostTokens,
                index,
                drawn,
                adapter,
                constraint,
                Optional.of(before));
    }
}
