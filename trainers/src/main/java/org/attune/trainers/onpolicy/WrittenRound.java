package org.attune.trainers.onpolicy;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.Optional;

/// A round that was written ahead of the steps that learn from it, as processes tell it each other
/// and as a checkpoint keeps it. A named tuple: equality is identity of the arrays.
///
/// @param number of the round, from 0
/// @param judged completions and rewards of its devices' parts ([JudgedPart])
/// @param old log-probabilities of each completion's tokens under the weights that wrote it, in the
///     order in which they were asked for, `(N, T)`; empty where the loss has no ratio
@SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
public record WrittenRound(long number, byte[] judged, Optional<float[][]> old) {
    /// Every bit of every number is kept.
    byte[] bytes() {
        var bytes = new ByteArrayOutputStream();
        try (var out = new DataOutputStream(bytes)) {
            out.writeLong(number);
            out.writeInt(judged.length);
            out.write(judged);
            float[][] rows = old.orElse(new float[0][]);
            out.writeInt(old.isPresent() ? rows.length : -1);
            for (float[] row : rows) {
                out.writeInt(row.length);
                for (float value : row) {
                    out.writeFloat(value);
                }
            }
        } catch (IOException e) {
            throw new IllegalStateException("memory was written to", e);
        }
        return bytes.toByteArray();
    }

    /// Reads what [#bytes] gave.
    ///
    /// @throws IOException if it is something else
    static WrittenRound read(byte[] bytes) throws IOException {
        try (var in = new DataInputStream(new ByteArrayInputStream(bytes))) {
            long number = in.readLong();
            byte[] judged = new byte[in.readInt()];
            in.readFully(judged);
            int count = in.readInt();
            float[][] old = new float[Math.max(0, count)][];
            for (int i = 0; i < old.length; i++) {
                old[i] = new float[in.readInt()];
                for (int t = 0; t < old[i].length; t++) {
                    old[i][t] = in.readFloat();
                }
            }
            return new WrittenRound(
                    number, judged, count < 0 ? Optional.empty() : Optional.of(old));
        }
    }
}
