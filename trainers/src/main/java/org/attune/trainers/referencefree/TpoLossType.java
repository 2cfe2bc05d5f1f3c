package org.attune.trainers.referencefree;

import org.attune.trainers.config.WireNamed;

import java.util.Locale;

/// Preference losses of TPO, by TRL's names.
public enum TpoLossType implements WireNamed {
    /// TPO, [Saeidi et al. 2024](https://arxiv.org/abs/2405.16681).
    SIGMOID,
    /// [Zhao et al. 2023](https://arxiv.org/abs/2305.10425).
    HINGE,
    /// [Azar et al. 2023](https://arxiv.org/abs/2310.12036), without its reference.
    IPO,
    /// TPO-L, the same source as TPO: on means, with a margin.
    TPO_L;

    /// `tpo-l` has a hyphen.
    @Override
    public String wireName() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
