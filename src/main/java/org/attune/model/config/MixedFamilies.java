package org.attune.model.config;

import java.util.List;

/// Families whose blocks mix tokens otherwise than by attention, all of them or some.
final class MixedFamilies {
    static final List<DecoderFamily> TABLE = List.of();

    private MixedFamilies() {}
}
