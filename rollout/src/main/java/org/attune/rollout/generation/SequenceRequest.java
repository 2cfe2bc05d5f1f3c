package org.attune.rollout.generation;

import org.attune.model.layer.Adapter;
import org.attune.rollout.sampling.SamplingConfig;
import org.attune.rollout.sampling.TokenConstraint;

/// A prompt to complete, with its own settings.
///
/// @param prompt token ids, at least one
/// @param sampling how tokens are chosen and what ends the completion. Its draws follow from its
///     seed, `index` and the position of a token alone; `max_time` begins with the submission
/// @param index tells apart completions with the same seed, as those of one prompt; ≥ 0
/// @param adapter which of the decoder's adapters applies
/// @param constraint which tokens may come; of this request alone
@SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
public record SequenceRequest(
        int[] prompt,
        SamplingConfig sampling,
        int index,
        Adapter adapter,
        TokenConstraint constraint) {
    /// The first completion of a prompt with this seed by the base model, without a constraint.
    public static SequenceRequest of(int[] prompt, SamplingConfig sampling) {
        return new SequenceRequest(prompt, sampling, 0, Adapter.OFF, TokenConstraint.NONE);
    }

    public SequenceRequest withIndex(int value) {
        return new SequenceRequest(prompt, sampling, value, adapter, constraint);
    }

    public SequenceRequest withAdapter(Adapter value) {
        return new SequenceRequest(prompt, sampling, index, value, constraint);
    }

    public SequenceRequest withConstraint(TokenConstraint value) {
        return new SequenceRequest(prompt, sampling, index, adapter, value);
    }
}
