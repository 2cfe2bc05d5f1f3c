package org.attune.trainers.testing;

import org.attune.datasets.BadRowPolicy;
import org.attune.datasets.formats.DatasetType;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.examples.KtoExample;
import org.attune.trainers.examples.UnpairedExample;
import org.attune.trainers.prepare.BcoPreparation;
import org.attune.trainers.prepare.KtoPreparation;
import org.attune.trainers.unpaired.BcoConfig;
import org.attune.trainers.unpaired.KtoConfig;
import org.attune.trainers.unpaired.KtoLossType;

import java.util.EnumSet;
import java.util.List;
import java.util.OptionalInt;

/// A recorded run of a method that learns from labelled completions: its rows, and its
/// configuration as ours.
///
/// @param parity the recorded run
public record UnpairedCase(ParityCase parity) {
    public List<UnpairedExample> labelledRows() {
        return new BcoPreparation(parity.tokenizer(), parity.maxLength(), BadRowPolicy.ERROR)
                .prepare(
                        parity.samples(
                                EnumSet.of(
                                        DatasetType.UNPAIRED_PREFERENCE, DatasetType.PREFERENCE)),
                        1)
                .rows();
    }

    public List<KtoExample> ktoRows() {
        OptionalInt block =
                parity.config().get("loss_type").asText().equals("kto")
                        ? OptionalInt.of(parity.config().get("per_device_train_batch_size").asInt())
                        : OptionalInt.empty();
        return new KtoPreparation(
                        parity.tokenizer(), parity.maxLength(), block, false, BadRowPolicy.ERROR)
                .prepare(
                        parity.samples(
                                EnumSet.of(
                                        DatasetType.UNPAIRED_PREFERENCE, DatasetType.PREFERENCE)),
                        1)
                .rows();
    }

    public BcoConfig bcoConfig() {
        return BcoConfig.defaults()
                .withModel(m -> m.withModelNameOrPath("fixture"))
                .withData(_ -> DataConfig.of("data.jsonl"))
                .withLora(l -> l.withUsePeft(parity.adapter().isPresent()))
                .withLoss(
                        l -> l.withBeta(parity.config().get("beta").asDouble()).withTrlCompat(true))
                .withReference(parity::reference)
                .withTraining(parity::training);
    }

    public KtoConfig ktoConfig() {
        return KtoConfig.defaults()
                .withModel(m -> m.withModelNameOrPath("fixture"))
                .withData(_ -> DataConfig.of("data.jsonl"))
                .withLora(l -> l.withUsePeft(parity.adapter().isPresent()))
                .withLoss(
                        l ->
                                l.withLossType(KtoLossType.valueOf(parity.upper("loss_type")))
                                        .withBeta(parity.number("beta"))
                                        .withDesirableWeight(parity.number("desirable_weight"))
                                        .withUndesirableWeight(parity.number("undesirable_weight")))
                .withReference(parity::reference)
                .withTraining(parity::training);
    }
}
