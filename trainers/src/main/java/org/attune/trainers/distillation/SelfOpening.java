package org.attune.trainers.distillation;

import org.attune.model.layer.Decoder;
import org.attune.policy.CausalPolicy;
import org.attune.policy.HeadRequest;
import org.attune.policy.Measurement;
import org.attune.policy.Policy;
import org.attune.policy.Scorer;
import org.attune.policy.StepMemory;
import org.attune.policy.Teacher;
import org.attune.policy.TeacherMemory;
import org.attune.policy.TeacherPass;
import org.attune.policy.TokenForest;
import org.attune.rollout.RolloutSource;
import org.attune.text.Tokenizer;
import org.attune.trainers.batch.RowTokens;
import org.attune.trainers.config.ConfigCheck;
import org.attune.trainers.config.ReferenceConfig;
import org.attune.trainers.examples.PromptExample;
import org.attune.trainers.loop.EvalSet;
import org.attune.trainers.loop.ReferenceSync;
import org.attune.trainers.loop.RunContext;
import org.attune.trainers.memory.MemoryFit;
import org.attune.trainers.memory.MemoryNeed;
import org.attune.trainers.onpolicy.CompletionText;
import org.attune.trainers.onpolicy.GeneratingRun;
import org.attune.trainers.onpolicy.RoundInputs;
import org.attune.trainers.onpolicy.RoundPlan;
import org.attune.trainers.onpolicy.Rounds;
import org.attune.trainers.onpolicy.Unjudged;
import org.attune.trainers.opening.OpenedRun;
import org.attune.trainers.opening.PolicySetup;
import org.attune.trainers.opening.ReferenceSetup;
import org.attune.trainers.opening.RolloutSetup;
import org.attune.trainers.step.Trainer;

import java.util.List;
import java.util.Optional;

/// What the methods have in common in which a model is its own teacher.
final class SelfOpening {
    private SelfOpening() {}

    /// The weights that teach.
    ///
    /// @param scorer measures with them; borrowed
    /// @param decoder has them; borrowed
    record Teaching(Scorer scorer, Decoder decoder) {}

    /// Opens the weights that teach.
    ///
    /// @param references owns what it opens
    static Teaching teaching(
            GeneratingRun config,
            SelfDistillationConfig loss,
            ReferenceSetup references,
            PolicySetup student) {
        Optional<ReferenceConfig> other = loss.reference();
        if (other.isEmpty()) {
            return new Teaching(live(student.policy(), student.decoder()), student.decoder());
        }
        ReferenceConfig reference = other.get();
        Scorer scorer =
                references.open(
                        reference.kind(config.model(), config.lora()), config.model(), reference);
        return new Teaching(scorer, references.weights().decoder());
    }

    /// The student as it is, read as a frozen model is.
    static Scorer live(Policy student, Decoder decoder) {
        return new Scorer() {
            @Override
            public Measurement measure(TokenForest forest, HeadRequest request) {
                return student.measure(forest, request);
            }

            @Override
            public Teacher read(TokenForest forest) {
                return new TeacherPass(decoder, student.adapterInUse(), forest);
            }
        };
    }

    /// What memory allows, when everything is loaded.
    ///
    /// @param tokens how long rows may be
    static MemoryFit fit(
            GeneratingRun config,
            OpenedRun<PromptExample> run,
            Teaching teaching,
            RowTokens tokens) {
        PolicySetup student = run.policy();
        Policy policy = student.policy();
        return student.fitToMemory(
                config.training(),
                MemoryNeed.of(
                        StepMemory.of(policy),
                        config.training().stateBytes(policy.parameters()),
                        Optional.of(TeacherMemory.of(teaching.decoder()))),
                tokens,
                RolloutSetup.wish(
                        config, student, run.rows(), config.training().batch().rowsOfStep()));
    }

    /// A run of self-distillation fine-tuning.
    ///
    /// @param config checked here
    /// @param student with the values to start from. The caller closes it
    /// @param teacher measures with the weights that teach; borrowed
    /// @param source completes prompts with the student's weights as they are
    /// @param tokenizer of the student, borrowed
    /// @param prompts training prompts, prepared, each with what the teacher reads
    /// @param evalSets may be empty
    /// @throws org.attune.error.ConfigException with all problems of the configuration
    static Trainer<?, ?> sdft(
            SdftConfig config,
            CausalPolicy student,
            Scorer teacher,
            RolloutSource source,
            Tokenizer tokenizer,
            List<PromptExample> prompts,
            List<EvalSet<PromptExample>> evalSets,
            RunContext context) {
        ConfigCheck.validate(config);
        Trainer.Means means = Trainer.Means.of(config, student, context);
        var unjudged = new Unjudged(new CompletionText(tokenizer), context.clock());
        var written =
                new PromptRows(
                        config,
                        new PromptRows.Options(
                                config.numLossTokensToSkip(),
                                config.generateFromTeacher(),
                                true,
                                Optional.empty(),
                                _ -> 0),
                        RoundPlan.of(config, prompts),
                        prompts,
                        evalSets,
                        new Rounds(config, source, unjudged, means.devices()),
                        context);
        return trainer(
                config, config.loss(), SelfTerms.distilling("sdft"), teacher, written, means);
    }

    /// A run of self-distillation policy optimisation.
    ///
    /// @param config checked here
    /// @param student with the values to start from. The caller closes it
    /// @param teacher measures with the weights that teach; borrowed
    /// @param inputs borrowed
    /// @param reprompts makes what the teacher reads
    /// @throws org.attune.error.ConfigException with all problems of the configuration
    static Trainer<?, ?> sdpo(
            SdpoConfig config,
            CausalPolicy student,
            Scorer teacher,
            RoundInputs inputs,
            Reprompts reprompts,
            RunContext context) {
        ConfigCheck.validate(config);
        Trainer.Means means = Trainer.Means.of(config, student, context);
        var attempted =
                new PromptRows(
                        config,
                        new PromptRows.Options(
                                0,
                                false,
                                true,
                                Optional.of(
                                        new PromptRows.Told(
                                                reprompts,
                                                new RepromptWatch(config.reprompt()),
                                                config.maskTruncatedCompletions())),
                                _ -> 0),
                        RoundPlan.of(config, inputs.prompts()),
                        inputs.prompts(),
                        inputs.evalSets(),
                        Rounds.judged(
                                config,
                                inputs.source(),
                                inputs.rewards(),
                                inputs.tokenizer(),
                                means.devices(),
                                context.clock()),
                        context);
        var terms =
                new SelfTerms(
                        "sdpo",
                        config.distillationWeight(),
                        config.lossType(),
                        config.maxCompletionLength());
        return trainer(config, config.loss(), terms, teacher, attempted, means);
    }

    private static Trainer<?, ?> trainer(
            GeneratingRun config,
            SelfDistillationConfig loss,
            SelfTerms terms,
            Scorer scorer,
            PromptRows rows,
            Trainer.Means means) {
        var teacher =
                new SelfTeacher(
                        scorer,
                        loss.top(),
                        loss.distillationAddTail(),
                        means.context().sharePrompts());
        var objective =
                new StudentObjective(
                        loss.divergence(),
                        Optional.empty(),
                        config.sampling().temperature(),
                        Teachers.of(teacher).timed(means.context().clock()),
                        Optional.of(terms),
                        Optional.empty(),
                        1,
                        0);
        Optional<ReferenceSync> follows =
                loss.reference().flatMap(r -> ReferenceSync.of(r.sync(), scorer));
        return DistilledRows.trainer(terms.method(), config, objective, rows, follows, means);
    }
}
