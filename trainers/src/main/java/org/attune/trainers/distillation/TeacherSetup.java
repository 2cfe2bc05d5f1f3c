package org.attune.trainers.distillation;

import org.attune.error.ConfigException;
import org.attune.error.ModelException;
import org.attune.files.GivenPath;
import org.attune.files.HubCache;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.models.ModelConfig;
import org.attune.models.ModelSetup;
import org.attune.policy.Policy;
import org.attune.policy.StepMemory;
import org.attune.policy.TeacherMemory;
import org.attune.text.Tokenizer;
import org.attune.trainers.config.TrainingConfig;
import org.attune.trainers.memory.MemoryNeed;
import org.attune.trainers.opening.PolicySetup;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;

/// A teacher: a server, or in this process a separate model, or an adapter, or none, on the weights
/// of a student whose base stays as it is. Use it on the engine thread. Owns a separate model.
final class TeacherSetup implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(TeacherSetup.class);
    private static final String KEY = "teacher_model_name_or_path";

    private final TeacherModel model;
    private final Optional<Local> local;

    /// A model in this process.
    ///
    /// @param adapted the adapter on a separate model
    /// @param separate whether the decoder is the teacher's alone
    private record Local(
            Decoder decoder, Adapter adapter, Optional<Policy> adapted, boolean separate) {}

    private TeacherSetup(TeacherModel model, Optional<Local> local) {
        this.model = model;
        this.local = local;
    }

    private static TeacherSetup of(Local local, String fingerprint) {
        return new TeacherSetup(
                TeacherModel.of(
                        local.decoder(),
                        local.adapter(),
                        Map.of("teacher (fingerprint)", fingerprint)),
                Optional.of(local));
    }

    /// Looks at a teacher's files before weights are loaded: whether it can teach this student. It
    /// throws [ConfigException] if both have other vocabularies, and [ModelException] if the
    /// teacher is missing, damaged or scores sequences.
    ///
    /// @param across whether it may have another vocabulary
    static Consumer<ModelSetup> check(
            TeacherConfig config, ModelConfig like, HubCache hub, boolean across) {
        return student -> require(student, config, like, hub, across);
    }

    private static void require(
            ModelSetup student,
            TeacherConfig config,
            ModelConfig like,
            HubCache hub,
            boolean across) {
        if (config.teacherModelServerUrl().isPresent()) {
            return; // its first answer says whether it can
        }
        try (var teacher = ModelSetup.open(named(config, like), hub)) {
            teacher.predicting();
            if (!across && !teacher.hasBaseOf(student)) {
                requireVocabulary(student, teacher);
            }
        }
    }

    /// The files of the teacher, or of the model whose tokenizer it reads with.
    ///
    /// @param tokenizer that model's name; empty: the teacher itself
    static ModelSetup files(
            TeacherConfig config, Optional<String> tokenizer, ModelConfig like, HubCache hub) {
        return ModelSetup.open(
                tokenizer
                        .map(name -> like.withModelNameOrPath(name).withoutAdapter())
                        .orElseGet(() -> named(config, like)),
                hub);
    }

    /// A teacher that isn't there: rows say what it said.
    static TeacherSetup stored() {
        return new TeacherSetup(new StoredTeacher(), Optional.empty());
    }

    /// Loads the teacher, as far as it isn't there already.
    ///
    /// @param student borrowed; it must outlive the teacher
    /// @param model of the student
    /// @param longest most tokens of a sequence
    static TeacherSetup open(
            PolicySetup student,
            ModelSetup model,
            TeacherConfig config,
            ModelConfig like,
            HubCache hub,
            int longest) {
        if (config.teacherModelServerUrl().isPresent()) {
            int vocabulary = model.source().config().vocabSize();
            return new TeacherSetup(
                    ServerTeacher.of(config, vocabulary, longest), Optional.empty());
        }
        try (var teacher = ModelSetup.open(named(config, like), hub)) {
            if (student.policy().adapter().isPresent() && teacher.hasBaseOf(model)) {
                LOG.info("the teacher uses the student's base weights, which don't change");
                Adapter adapter =
                        teacher.adapter().map(student.policy()::addAdapter).orElse(Adapter.OFF);
                return of(
                        new Local(student.decoder(), adapter, Optional.empty(), false),
                        teacher.fingerprint());
            }
            return separate(student, teacher);
        }
    }

    private static TeacherSetup separate(PolicySetup student, ModelSetup teacher) {
        return of(student.loadFrozen(() -> local(teacher), Local::decoder), teacher.fingerprint());
    }

    private static Local local(ModelSetup teacher) {
        Decoder decoder = teacher.loadDecoder();
        try {
            Optional<Policy> adapted =
                    teacher.adapter()
                            .map(a -> Policy.withAdapter(decoder, a, Policy.Options.defaults()));
            decoder.keepForward();
            Adapter adapter = adapted.map(Policy::adapterInUse).orElse(Adapter.OFF);
            return new Local(decoder, adapter, adapted, true);
        } catch (RuntimeException e) {
            decoder.close();
            throw e;
        }
    }

    /// The folder of an adapter names its base.
    private static ModelConfig named(TeacherConfig config, ModelConfig like) {
        ModelConfig base =
                config.teacherModelNameOrPath()
                        .map(name -> model(name, config, like))
                        .orElse(like.withoutAdapter());
        return config.teacherAdapterNameOrPath().map(base::withAdapterNameOrPath).orElse(base);
    }

    private static ModelConfig model(String name, TeacherConfig config, ModelConfig like) {
        Path folder = GivenPath.of(name);
        boolean alone =
                Files.exists(folder.resolve("adapter_config.json"))
                        && !Files.exists(folder.resolve("config.json"));
        return alone
                ? like.ofFolder(folder)
                : like.withModelNameOrPath(name)
                        .withModelRevision(config.teacherModelRevision().orElse("main"))
                        .withoutAdapter();
    }

    private static void requireVocabulary(ModelSetup student, ModelSetup teacher) {
        int own = student.source().config().vocabSize();
        int other = teacher.source().config().vocabSize();
        if (own != other) {
            throw ConfigException.about(
                    KEY,
                    "%s predicts %d tokens, the student %d; their distributions are compared token by token, so give a teacher with the student's vocabulary"
                            .formatted(teacher.source().nameOrPath(), other, own));
        }
        Tokenizer theirs;
        try {
            theirs = teacher.text().tokenizer();
        } catch (ModelException e) {
            LOG.info("{} has no tokenizer to compare: {}", teacher.source().path(), e.getMessage());
            return;
        }
        Tokenizer ours = student.text().tokenizer();
        int both = Math.min(ours.vocabularySize(), theirs.vocabularySize());
        for (int id = 0; id < both; id++) {
            if (!Objects.equals(ours.token(id), theirs.token(id))) {
                throw ConfigException.about(
                        KEY,
                        "%s has another vocabulary than the student: token %d is \"%s\" there and \"%s\" here; their distributions are compared token by token, so give a teacher with the student's tokenizer"
                                .formatted(
                                        teacher.source().nameOrPath(),
                                        id,
                                        theirs.token(id),
                                        ours.token(id)));
            }
        }
    }

    TeacherModel model() {
        return model;
    }

    /// The decoder of the teacher, if it computes here.
    Optional<Decoder> decoder() {
        return local.map(Local::decoder);
    }

    /// The adapter with which the decoder is the teacher.
    Adapter adapter() {
        return local.orElseThrow().adapter();
    }

    /// Memory that a step takes, of the student and of a teacher in this process.
    ///
    /// @param across whether it has another tokenizer
    MemoryNeed need(TrainingConfig training, Policy student, boolean across) {
        return MemoryNeed.of(
                StepMemory.of(student),
                training.stateBytes(student.parameters()),
                decoder().map(across ? TeacherMemory::ofSpans : TeacherMemory::of));
    }

    @Override
    public void close() {
        local.flatMap(Local::adapted).ifPresent(Policy::close);
        local.filter(Local::separate).ifPresent(own -> own.decoder().close());
    }
}
