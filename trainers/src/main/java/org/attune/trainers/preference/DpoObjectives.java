package org.attune.trainers.preference;

import org.attune.trainers.config.ConfigNames;

import java.util.ArrayList;
import java.util.List;

/// The objective that a DPO configuration asks for.
final class DpoObjectives {
    private DpoObjectives() {}

    static PreferenceObjective of(DpoConfig config) {
        DpoLossConfig loss = config.loss();
        DpoVariantConfig variant = config.variant();
        List<PreferenceObjective.Term> terms = new ArrayList<>();
        for (int i = 0; i < loss.lossType().size(); i++) {
            PreferenceLoss term = loss(loss.lossType().get(i), loss, variant);
            double weight = loss.lossWeights().isEmpty() ? 1 : loss.lossWeights().get(i);
            terms.add(new PreferenceObjective.Term(term, weight));
        }
        return new PreferenceObjective(
                terms,
                PreferenceLossOptions.divergence(
                        ConfigNames.wireName(variant.fDivergenceType()),
                        variant.fAlphaDivergenceCoef()),
                variant.ldAlpha());
    }

    private static PreferenceLoss loss(
            DpoLossType type, DpoLossConfig loss, DpoVariantConfig variant) {
        return type == DpoLossType.DPOP
                ? new PreferenceLoss.Dpop(loss.beta(), variant.dpopLambda())
                : PreferenceLossOptions.loss(
                        ConfigNames.wireName(type),
                        loss.beta(),
                        loss.smoothed().contains(type) ? loss.labelSmoothing() : 0,
                        variant.discopopTau());
    }
}
