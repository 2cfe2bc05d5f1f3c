package org.attune.trainers.run;

import org.attune.trainers.config.RunConfig;
import org.attune.trainers.distillation.DistillationMethod;
import org.attune.trainers.distillation.GkdMethod;
import org.attune.trainers.distillation.SdftMethod;
import org.attune.trainers.distillation.SdpoMethod;
import org.attune.trainers.grpo.GrpoMethod;
import org.attune.trainers.grpo.RlooMethod;
import org.attune.trainers.heads.ClassifyMethod;
import org.attune.trainers.heads.EmbedMethod;
import org.attune.trainers.heads.RerankMethod;
import org.attune.trainers.online.NashMdMethod;
import org.attune.trainers.online.OnlineDpoMethod;
import org.attune.trainers.online.XpoMethod;
import org.attune.trainers.opening.TrainingMethod;
import org.attune.trainers.ppo.PpoMethod;
import org.attune.trainers.preference.DpoMethod;
import org.attune.trainers.referencefree.CpoMethod;
import org.attune.trainers.referencefree.OrpoMethod;
import org.attune.trainers.referencefree.TpoMethod;
import org.attune.trainers.scoring.PrmMethod;
import org.attune.trainers.scoring.RewardMethod;
import org.attune.trainers.sft.SftMethod;
import org.attune.trainers.unpaired.BcoMethod;
import org.attune.trainers.unpaired.KtoMethod;

import java.util.List;
import java.util.Optional;

/// All methods of training. A method is deleted by deleting its room and its line here.
public final class Methods {
    private static final List<TrainingMethod<?, ?>> ALL =
            List.of(
                    new SftMethod(),
                    new DpoMethod(),
                    new GrpoMethod(),
                    new RlooMethod(),
                    new RewardMethod(),
                    new PrmMethod(),
                    new ClassifyMethod(),
                    new RerankMethod(),
                    new EmbedMethod(),
                    new PpoMethod(),
                    new BcoMethod(),
                    new KtoMethod(),
                    new OrpoMethod(),
                    new CpoMethod(),
                    new TpoMethod(),
                    new GkdMethod(),
                    new DistillationMethod(),
                    new SdftMethod(),
                    new SdpoMethod(),
                    new OnlineDpoMethod(),
                    new XpoMethod(),
                    new NashMdMethod());

    private Methods() {}

    /// All methods, in the order in which messages name them.
    public static List<TrainingMethod<?, ?>> all() {
        return ALL;
    }

    /// The method of this name.
    public static Optional<TrainingMethod<?, ?>> named(String name) {
        return ALL.stream().filter(method -> method.name().equals(name)).findFirst();
    }

    /// The defaults of the method of this name.
    public static Optional<Record> defaults(String name) {
        return named(name).map(method -> method.defaults());
    }

    /// The method whose configuration this is.
    ///
    /// @throws IllegalArgumentException if there is none
    @SuppressWarnings("unchecked") // its defaults are of this class
    static <C extends Record & RunConfig> TrainingMethod<C, ?> of(C config) {
        return (TrainingMethod<C, ?>)
                ALL.stream()
                        .filter(method -> method.defaults().getClass() == config.getClass())
                        .findFirst()
                        .orElseThrow(
                                () ->
                                        new IllegalArgumentException(
                                                config.getClass()
                                                        + " is the configuration of no method"));
    }
}
