package org.attune.trainers.preference;

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
            DpoLossType type = loss.lossType().get(i);
            var settings =
                    new DpoLossType.Settings(
                            loss.beta(),
                            loss.smoothed().contains(type) ? loss.labelSmoothing() : 0,
                            variant.discopopTau(),
                            variant.dpopLambda());
            double weight = loss.lossWeights().isEmpty() ? 1 : loss.lossWeights().get(i);
            terms.add(new PreferenceObjective.Term(type.loss(settings), weight));
        }
        return new PreferenceObjective(
                terms,
                variant.fDivergenceType().of(variant.fAlphaDivergenceCoef()),
                variant.ldAlpha());
    }
}
