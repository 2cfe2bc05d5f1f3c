package org.attune.model.decode;

import org.attune.model.config.DecoderConfig;
import org.attune.model.layer.Decoder;
import org.attune.model.pass.RecordedLogits;
import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.RowMemory;
import org.attune.tensor.Tensor;
import org.attune.tensor.VectorKernels;

import java.util.Arrays;
import java.util.Optional;

/// Logits of some rows of a [ForwardRecord], in the compute dtype. On the engine thread.
final class KeptLogits {
    private final Tensor logits; // (n, V)
    private final int[] places; // in them, of each recorded row, or NONE
    private int used;

    /// Makes room in the current scope.
    ///
    /// @param rows of the record
    /// @param predictions most rows whose logits are kept
    KeptLogits(Decoder decoder, int rows, int predictions) {
        int vocabulary = decoder.config().outputRows();
        logits = Tensor.empty(decoder.device(), decoder.dtype(), predictions, vocabulary);
        places = new int[rows];
        forget();
    }

    /// Whether logits of a model can be kept, and whether that is worth their memory.
    ///
    /// @param numbers that are kept of a row besides
    static boolean suits(Decoder decoder, long numbers) {
        int vocabulary = decoder.config().outputRows();
        return !decoder.config().scores()
                && decoder.output().bias().isEmpty()
                && decoder.config().ends().softcap() == 0
                && decoder.config().ends().logitScale() == 1
                && vocabulary <= numbers
                && decoder.device().equals(Device.cpu())
                && VectorKernels.fit(decoder.dtype(), vocabulary);
    }

    /// Memory of that.
    static long bytes(DecoderConfig config, DType dtype, int predictions) {
        return (long) dtype.bytes() * predictions * config.outputRows();
    }

    int capacity() {
        return Math.toIntExact(logits.size(0));
    }

    void forget() {
        used = 0;
        Arrays.fill(places, ForwardRecord.NONE);
    }

    /// Keeps logits, as far as there is room.
    ///
    /// @param rows of the record, one for each of the first rows of `z`
    /// @param z `(n, V)`
    void put(int[] rows, Tensor z) {
        if (rows.length > capacity() - used) {
            return;
        }
        RowMemory.copy(z, logits, used);
        for (int row : rows) {
            places[row] = used++;
        }
    }

    /// Logits of rows of the record, if those of all are there.
    Optional<RecordedLogits> of(int[] rows) {
        int[] found = new int[rows.length];
        for (int i = 0; i < rows.length; i++) {
            found[i] = rows[i] < places.length ? places[rows[i]] : ForwardRecord.NONE;
            if (found[i] == ForwardRecord.NONE) {
                return Optional.empty();
            }
        }
        return Optional.of(new RecordedLogits(logits, found));
    }
}
