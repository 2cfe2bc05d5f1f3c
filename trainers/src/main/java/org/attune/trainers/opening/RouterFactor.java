package org.attune.trainers.opening;

import org.attune.error.ConfigException;
import org.attune.error.ModelException;
import org.attune.model.config.DecoderConfig;
import org.attune.models.ModelSetup;
import org.attune.trainers.config.TrainingConfig;

/// Factor of the loss that balances experts.
final class RouterFactor {
    private static final String KEY = "router_aux_loss_coef";

    private RouterFactor() {}

    /// What the key says, or the model where it asks for the loss.
    static double of(DecoderConfig config, TrainingConfig training) {
        return training.routerAuxLossCoef()
                .orElse(config.asksForRouterLoss() ? config.routerLoss().orElse(0) : 0);
    }

    /// What the key says, or the model, as TRL does where it has the key.
    static double usual(DecoderConfig config, TrainingConfig training) {
        return training.routerAuxLossCoef().orElse(config.routerLoss().orElse(0));
    }

    /// @throws ConfigException if the key asks for a loss that the model's family doesn't have
    static void requireFits(ModelSetup model, TrainingConfig training) {
        DecoderConfig config = model.source().config();
        if (training.routerAuxLossCoef().orElse(0) > 0 && config.routerLoss().isEmpty()) {
            throw ConfigException.about(
                    KEY,
                    ("%s is of family %s, which has no loss that balances experts; leave the key"
                                    + " out, or write 0")
                            .formatted(model.source().path(), config.modelType()));
        }
    }

    /// @throws ConfigException if the key asks for the loss
    /// @throws ModelException if the model does
    static void requireNone(ModelSetup model, TrainingConfig training, String why) {
        double asked = training.routerAuxLossCoef().orElse(0);
        if (asked > 0) {
            throw ConfigException.about(KEY, "%s; accepted: null or 0: %s".formatted(asked, why));
        }
        if (model.source().config().asksForRouterLoss()) {
            throw new ModelException(
                    ("%s/config.json: output_router_logits is true; here training accepts false,"
                         + " since %s. Write false there to train without the loss that balances"
                         + " experts")
                            .formatted(model.source().path(), why));
        }
    }
}
