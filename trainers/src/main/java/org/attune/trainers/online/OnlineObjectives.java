package org.attune.trainers.online;

/// The objective that a configuration describes.
final class OnlineObjectives {
    private OnlineObjectives() {}

    /// @param epoch from 0
    static OnlineObjective of(OnlineRun run, int epoch) {
        return switch (run) {
            case OnlineDpoConfig dpo -> {
                double beta = EpochValues.at(dpo.loss().beta(), epoch);
                yield new PairObjective(OnlinePairLoss.of(dpo.loss().lossType(), beta), beta);
            }
            case XpoConfig xpo -> {
                double beta = EpochValues.at(xpo.loss().beta(), epoch);
                yield new ExploringObjective(
                        new PairObjective(OnlinePairLoss.of(xpo.loss().lossType(), beta), beta),
                        EpochValues.at(xpo.loss().alpha(), epoch));
            }
            case NashMdConfig nash ->
                    new NashObjective(
                            EpochValues.at(nash.loss().beta(), epoch),
                            EpochValues.at(nash.loss().mixtureCoef(), epoch));
        };
    }
}
