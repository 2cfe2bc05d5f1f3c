package org.attune.trainers.preference;

import org.attune.error.ConfigException;

import java.util.List;

/// TRL's names of losses and divergences.
final class PreferenceLossOptions {
    /// Accepted values of `loss_type`.
    public static final List<String> LOSS_TYPES =
            List.of(
                    "sigmoid",
                    "hinge",
                    "ipo",
                    "exo_pair",
                    "nca_pair",
                    "robust",
                    "bco_pair",
                    "sppo_hard",
                    "aot",
                    "aot_unpaired",
                    "apo_zero",
                    "apo_down",
                    "discopop",
                    "sft",
                    "sigmoid_norm");

    /// Accepted values of `f_divergence_type`.
    public static final List<String> DIVERGENCES =
            List.of("reverse_kl", "forward_kl", "js_divergence", "alpha_divergence");

    private PreferenceLossOptions() {}

    /// The loss with a TRL name.
    ///
    /// @param labelSmoothing used by `sigmoid`, `exo_pair`, `robust`, `aot` and `aot_unpaired`
    /// @param discopopTau used by `discopop`
    /// @throws ConfigException if the name is unknown or a parameter is out of the loss's range
    public static PreferenceLoss loss(
            String name, double beta, double labelSmoothing, double discopopTau) {
        try {
            return switch (name) {
                case "sigmoid" -> new PreferenceLoss.Sigmoid(beta, labelSmoothing);
                case "hinge" -> new PreferenceLoss.Hinge(beta);
                case "ipo" -> new PreferenceLoss.Ipo(beta);
                case "exo_pair" -> new PreferenceLoss.ExoPair(beta, labelSmoothing);
                case "nca_pair" -> new PreferenceLoss.NcaPair(beta);
                case "robust" -> new PreferenceLoss.Robust(beta, labelSmoothing);
                case "bco_pair" -> new PreferenceLoss.BcoPair(beta);
                case "sppo_hard" -> new PreferenceLoss.SppoHard(beta);
                case "aot" -> new PreferenceLoss.Aot(beta, labelSmoothing);
                case "aot_unpaired" -> new PreferenceLoss.AotUnpaired(beta, labelSmoothing);
                case "apo_zero" -> new PreferenceLoss.ApoZero(beta);
                case "apo_down" -> new PreferenceLoss.ApoDown(beta);
                case "discopop" -> new PreferenceLoss.DiscoPop(beta, discopopTau);
                case "sft" -> new PreferenceLoss.Sft();
                case "sigmoid_norm" -> new PreferenceLoss.SigmoidNorm(beta);
                default ->
                        throw new ConfigException(
                                "loss_type is \"%s\"; accepted: %s"
                                        .formatted(name, String.join(", ", LOSS_TYPES)));
            };
        } catch (IllegalArgumentException e) {
            throw new ConfigException("loss_type %s: %s".formatted(name, e.getMessage()), e);
        }
    }

    /// The divergence with a TRL name.
    ///
    /// @param alpha used by `alpha_divergence`
    /// @throws ConfigException if the name is unknown
    public static Divergence divergence(String name, double alpha) {
        return switch (name) {
            case "reverse_kl" -> new Divergence.ReverseKl();
            case "forward_kl" -> new Divergence.ForwardKl();
            case "js_divergence" -> new Divergence.JensenShannon();
            case "alpha_divergence" -> new Divergence.Alpha(alpha);
            default ->
                    throw new ConfigException(
                            "f_divergence_type is \"%s\"; accepted: %s"
                                    .formatted(name, String.join(", ", DIVERGENCES)));
        };
    }
}
