package org.attune.model.config;

import java.util.List;
import java.util.OptionalInt;

/// Token ids that a model's configuration names.
///
/// @param bos begins a text
/// @param eos each of them ends one; empty if the configuration names none
/// @param pad fills up batches in other programs
public record SpecialIds(OptionalInt bos, List<Integer> eos, OptionalInt pad) {
    public SpecialIds {
        eos = List.copyOf(eos);
    }
}
