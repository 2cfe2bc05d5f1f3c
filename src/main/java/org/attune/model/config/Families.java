package org.attune.model.config;

import java.util.List;
import java.util.stream.Stream;

/// The families that are read. A row says what differs from Llama, and the values of absent keys in
/// transformers' configuration classes.
final class Families {
    static final List<DecoderFamily> TABLE =
            Stream.of(
                            DenseFamilies.TABLE,
                            QwenVisionFamilies.TABLE,
                            ExpertFamilies.TABLE,
                            MixedFamilies.TABLE,
                            VariedFamilies.TABLE)
                    .flatMap(List::stream)
                    .toList();

    private Families() {}
}
