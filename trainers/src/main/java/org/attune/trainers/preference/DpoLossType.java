package org.attune.trainers.preference;

import org.attune.error.ConfigException;
import org.attune.trainers.config.ConfigNames;

import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.function.Function;
import java.util.function.Predicate;

/// Objectives on preference pairs, by TRL's names where it has them. A constant is the factory of
/// its loss, and says what it goes together with.
public enum DpoLossType {
    /// [Rafailov et al. 2023, Eq. 7](https://arxiv.org/abs/2305.18290).
    SIGMOID(s -> new PreferenceLoss.Sigmoid(s.beta(), s.labelSmoothing()), Trait.GENERALISED),
    /// [Zhao et al. 2023](https://arxiv.org/abs/2305.10425).
    HINGE(s -> new PreferenceLoss.Hinge(s.beta()), Trait.GENERALISED),
    /// [Azar et al. 2023, Eq. 17](https://arxiv.org/abs/2310.12036).
    IPO(s -> new PreferenceLoss.Ipo(s.beta()), Trait.GENERALISED),
    /// [Ji et al. 2024](https://arxiv.org/abs/2402.00856); needs `label_smoothing` above 0.
    EXO_PAIR(
            s -> new PreferenceLoss.ExoPair(s.beta(), s.labelSmoothing()),
            Trait.GENERALISED,
            Trait.SMOOTHED),
    /// [Chen et al. 2024](https://arxiv.org/abs/2402.05369).
    NCA_PAIR(s -> new PreferenceLoss.NcaPair(s.beta())),
    /// [Chowdhury et al. 2024](https://arxiv.org/abs/2403.00409).
    ROBUST(
            s -> new PreferenceLoss.Robust(s.beta(), s.labelSmoothing()),
            Trait.GENERALISED,
            Trait.SMOOTHED),
    /// [Jung et al. 2024](https://arxiv.org/abs/2404.04656).
    BCO_PAIR(s -> new PreferenceLoss.BcoPair(s.beta())),
    /// [Wu et al. 2024](https://arxiv.org/abs/2405.00675), hard labels.
    SPPO_HARD(s -> new PreferenceLoss.SppoHard(s.beta())),
    /// [Melnyk et al. 2024](https://arxiv.org/abs/2406.05882), paired.
    AOT(
            s -> new PreferenceLoss.Aot(s.beta(), s.labelSmoothing()),
            Trait.SMOOTHED,
            Trait.UNWEIGHTED),
    /// [Melnyk et al. 2024](https://arxiv.org/abs/2406.05882), unpaired.
    AOT_UNPAIRED(
            s -> new PreferenceLoss.AotUnpaired(s.beta(), s.labelSmoothing()),
            Trait.SMOOTHED,
            Trait.UNWEIGHTED),
    /// [D'Oosterlinck et al. 2024](https://arxiv.org/abs/2408.06266).
    APO_ZERO(s -> new PreferenceLoss.ApoZero(s.beta())),
    /// [D'Oosterlinck et al. 2024](https://arxiv.org/abs/2408.06266), which lowers chosen
    /// completions too.
    APO_DOWN(s -> new PreferenceLoss.ApoDown(s.beta())),
    /// [Lu et al. 2024](https://arxiv.org/abs/2406.08414).
    DISCOPOP(s -> new PreferenceLoss.DiscoPop(s.beta(), s.discopopTau()), Trait.GENERALISED),
    /// Negative log-likelihood of the chosen completions.
    SFT(_ -> new PreferenceLoss.Sft(), Trait.GENERALISED, Trait.UNWEIGHTED),
    /// Sigmoid on log-ratios per token.
    SIGMOID_NORM(s -> new PreferenceLoss.SigmoidNorm(s.beta()), Trait.GENERALISED),
    /// DPO-Positive, [Pal et al. 2024](https://arxiv.org/abs/2402.13228); Attune's, not in TRL.
    DPOP(s -> new PreferenceLoss.Dpop(s.beta(), s.dpopLambda()));

    /// What a loss goes together with.
    private enum Trait {
        GENERALISED,
        SMOOTHED,
        UNWEIGHTED
    }

    /// What losses are made with; each takes what it knows.
    record Settings(double beta, double labelSmoothing, double discopopTau, double dpopLambda) {}

    private final Function<Settings, PreferenceLoss> factory;
    private final EnumSet<Trait> traits = EnumSet.noneOf(Trait.class);

    DpoLossType(Function<Settings, PreferenceLoss> factory, Trait... traits) {
        this.factory = factory;
        this.traits.addAll(Arrays.asList(traits));
    }

    /// The loss.
    ///
    /// @throws ConfigException if a setting is out of the loss's range
    PreferenceLoss loss(Settings settings) {
        try {
            return factory.apply(settings);
        } catch (IllegalArgumentException e) {
            throw new ConfigException(
                    "loss_type %s: %s".formatted(ConfigNames.wireName(this), e.getMessage()), e);
        }
    }

    /// Whether the loss is defined for other divergences than the reverse KL too; TRL's list.
    boolean isGeneralised() {
        return traits.contains(Trait.GENERALISED);
    }

    /// Whether TRL's `label_smoothing` belongs to the loss.
    boolean isSmoothed() {
        return traits.contains(Trait.SMOOTHED);
    }

    /// Whether the loss is a mean over pairs: else a pair's weight has no meaning.
    boolean isWeighted() {
        return !traits.contains(Trait.UNWEIGHTED);
    }

    /// Names of some losses.
    static List<String> names(Predicate<DpoLossType> wanted) {
        return Arrays.stream(values()).filter(wanted).map(ConfigNames::wireName).toList();
    }
}
