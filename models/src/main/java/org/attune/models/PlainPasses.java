package org.attune.models;

import org.attune.model.config.DecoderConfig;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Tells people when a model's passes are computed in ordinary operators.
final class PlainPasses {
    private static final Logger LOG = LoggerFactory.getLogger(ModelSetup.class);

    private PlainPasses() {}

    /// Hand-written passes are off for mathematics that they don't know, which is felt.
    static void sayWhy(String model, DecoderConfig config) {
        if (!config.unwritten().isEmpty()) {
            LOG.info(
                    "{}: hand-written passes don't know {}, so this model's blocks run in ordinary"
                            + " operators, slower and with more memory",
                    model,
                    String.join(", ", config.unwritten()));
        } else if (!config.unlikeTokens().isEmpty()) {
            LOG.debug(
                    "{}: kernels that generate a token by all blocks at once don't know {}; it is"
                            + " generated block by block",
                    model,
                    String.join(", ", config.unlikeTokens()));
        }
    }
}
