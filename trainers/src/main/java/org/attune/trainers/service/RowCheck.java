package org.attune.trainers.service;

import org.attune.error.ConfigException;
import org.attune.model.config.DecoderConfig;
import org.attune.trainers.service.AdapterTraining.Loss;
import org.attune.trainers.service.AdapterTraining.Row;

import java.util.Arrays;

/// Whether a row can be learned from.
///
/// @param name of the row, for messages
record RowCheck(String name, Row row) {
    /// Most targets behind one token.
    private static final int WIDEST = 256;

    /// @throws ConfigException if it can't
    void require(TrainedBase base, Loss loss) {
        int length = row.ids().length;
        if (length < 1 || length > base.length()) {
            throw wrong("has %d tokens; accepted: 1 to %d".formatted(length, base.length()));
        }
        requireSizes(length, loss);
        DecoderConfig config = base.decoder().config();
        for (int id : row.ids()) {
            requireId(id, config, "tokens");
            if (config.imageToken().isPresent() && config.imageToken().getAsInt() == id) {
                throw wrong("has places of pictures; accepted: text");
            }
        }
        for (int id : row.targets()) {
            requireId(id, config, "targets");
        }
        if (!Arrays.stream(row.factors()).allMatch(Double::isFinite)
                || !Arrays.stream(row.sampled()).allMatch(Double::isFinite)) {
            throw wrong("has numbers that aren't finite");
        }
    }

    private void requireSizes(int length, Loss loss) {
        int targets = row.targets().length;
        if (targets % length != 0 || targets < length || targets / length > WIDEST) {
            throw wrong(
                    "has %d targets for %d tokens; accepted: as many for each token, 1 to %d"
                            .formatted(targets, length, WIDEST));
        }
        int ratios = loss instanceof Loss.CrossEntropy ? 0 : targets;
        if (row.factors().length != targets || row.sampled().length != ratios) {
            throw wrong(
                    "has %d targets, %d weights or advantages and %d log-probabilities; accepted: as many of each"
                            .formatted(targets, row.factors().length, row.sampled().length));
        }
    }

    private void requireId(int id, DecoderConfig config, String what) {
        if (id < 0 || id >= config.vocabSize()) {
            throw wrong(
                    "has the id %d among its %s; accepted: 0 to %d"
                            .formatted(id, what, config.vocabSize() - 1));
        }
    }

    private ConfigException wrong(String what) {
        return new ConfigException(name + " " + what);
    }
}
