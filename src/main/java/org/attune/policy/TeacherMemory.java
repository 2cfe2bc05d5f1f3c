package org.attune.policy;

import org.attune.model.config.DecoderConfig;
import org.attune.model.layer.Decoder;
import org.attune.model.pass.ActivationBytes;
import org.attune.model.pass.Recomputation;
import org.attune.tensor.DType;

/// Estimates the memory that a teacher takes beside its weights. `M` targets, `D` its width, `V`
/// vocabulary, `n` targets of a chunk, `b` bytes of a value.
/// ```
/// reading = its forward pass over the tokens, before the student's
/// kept    = 2 b M D + 4 · c n V       while the student computes: states, and distributions
/// ```
/// A chunk's distributions are those of both models, their powers, the mixture and the gradient. Of
/// spans they are also those in order, with their places, and those of tokens that both have.
///
/// @param config shape of the teacher
/// @param dtype of its activations
/// @param activations of its blocks
/// @param distributions `c`, how many numbers there are of each token
public record TeacherMemory(
        DecoderConfig config, DType dtype, ActivationBytes activations, int distributions) {
    private static final long FLOAT = 4;
    private static final int OF_TOKENS = 7;
    private static final int OF_SPANS = 28;

    /// The memory of a teacher as it stands.
    public static TeacherMemory of(Decoder decoder) {
        return of(decoder, OF_TOKENS);
    }

    /// The memory of a teacher with another tokenizer, as it stands.
    public static TeacherMemory ofSpans(Decoder decoder) {
        return of(decoder, OF_SPANS);
    }

    private static TeacherMemory of(Decoder decoder, int distributions) {
        return new TeacherMemory(
                decoder.config(), decoder.dtype(), ActivationBytes.of(decoder), distributions);
    }

    /// Bytes of its forward pass.
    ///
    /// @param tokens computed at once
    public long reading(int tokens) {
        return activations.bytes(tokens, Recomputation.ALL) + states(tokens);
    }

    /// Bytes while the student computes.
    ///
    /// @param tokens computed at once; each is taken to predict one
    public long kept(int tokens) {
        long rows = Math.min(tokens, OutputHead.chunkRows(config.outputRows(), false));
        return states(tokens) + FLOAT * distributions * rows * config.outputRows();
    }

    private long states(int tokens) {
        return 2L * dtype.bytes() * tokens * config.hiddenSize();
    }
}
