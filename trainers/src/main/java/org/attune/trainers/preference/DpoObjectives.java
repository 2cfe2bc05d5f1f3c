package org.attune.trainers.preference;

import org.attune.trainers.config.ConfigNames;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/// The objective that a DPO configuration asks for.
final class DpoObjectives {
    /// Losses to which TRL's `label_smoothing` belongs.
    private static final List<DpoLossType> SMOOTHED =
            List.of(
                    DpoLossType.EXO_PAIR,
                    DpoLossType.ROBUST,
                    DpoLossType.AOT,
                    DpoLossType.AOT_UNPAIRED);

    private DpoObjectives() {}

    /// Beside a loss that TRL smooths, `sigmoid` stays as it is, as in TRL; elsewhere smoothing
    /// makes it conservative DPO.
    private static double smoothing(DpoLossConfig loss, DpoLossType type) {
        boolean theirs = !Collections.disjoint(loss.lossType(), SMOOTHED);
        return type == DpoLossType.SIGMOID && theirs ? 0 : loss.labelSmoothing();
    }

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
                        smoothing(loss, type),
                        variant.discopopTau());
    }
}
