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
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Stream;

/// The teachers of a run: a server, or in this process separate models, or adapters, or none, on
/// the weights of a student whose base stays as it is. Use it on the engine thread. Owns separate
/// models; each is loaded once, whatever the number of domains it teaches.
final class TeacherSetup implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(TeacherSetup.class);
    private static final String KEY = "teacher_model_name_or_path";
    private static final double MIB = 1 << 20;
    private static final int SOME_TOKENS = 512; // by which teachers are compared

    private final List<Opened> opened = new ArrayList<>(); // in the order of TeacherConfig.each
    private final TeacherConfig config;

    /// A teacher.
    ///
    /// @param local the model, if it computes here
    private record Opened(TeacherModel model, Optional<Local> local) {
        static Opened of(Local local, String fingerprint) {
            Map<String, String> identity = Map.of("teacher (fingerprint)", fingerprint);
            return new Opened(
                    TeacherModel.of(local.decoder(), local.adapter(), identity),
                    Optional.of(local));
        }
    }

    /// A model in this process.
    ///
    /// @param named what it is
    /// @param adapted the adapter on a separate model
    /// @param separate whether the decoder is the teacher's alone
    private record Local(
            Decoder decoder,
            Adapter adapter,
            ModelConfig named,
            Optional<Policy> adapted,
            boolean separate) {}

    private TeacherSetup(TeacherConfig config) {
        this.config = config;
    }

    /// Looks at teachers' files before weights are loaded: whether they can teach this student. It
    /// throws [ConfigException] if they have other vocabularies, and [ModelException] if a teacher
    /// is missing, damaged or scores sequences.
    ///
    /// @param across whether they may have another vocabulary
    static Consumer<ModelSetup> check(
            TeacherConfig config, ModelConfig like, HubCache hub, boolean across) {
        return student ->
                config.each().values().forEach(each -> require(student, each, like, hub, across));
    }

    private static void require(
            ModelSetup student,
            TeacherConfig config,
            ModelConfig like,
            HubCache hub,
            boolean across) {
        if (config.isServed()) {
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
        var setup = new TeacherSetup(TeacherConfig.defaults());
        setup.opened.add(new Opened(new StoredTeacher(), Optional.empty()));
        return setup;
    }

    /// Loads the teachers, as far as they aren't there already.
    ///
    /// @param student borrowed; it must outlive the teacher
    /// @param model of the student
    /// @param servers opens one that is on a server
    static TeacherSetup open(
            PolicySetup student,
            ModelSetup model,
            TeacherConfig config,
            ModelConfig like,
            HubCache hub,
            Function<TeacherConfig, TeacherModel> servers) {
        var setup = new TeacherSetup(config);
        try {
            config.each()
                    .forEach(
                            (domain, each) ->
                                    setup.add(domain, each, student, model, like, hub, servers));
            return setup;
        } catch (RuntimeException e) {
            setup.close();
            throw e;
        }
    }

    private void add(
            String domain,
            TeacherConfig each,
            PolicySetup student,
            ModelSetup model,
            ModelConfig like,
            HubCache hub,
            Function<TeacherConfig, TeacherModel> servers) {
        if (each.isServed()) {
            opened.add(new Opened(servers.apply(each), Optional.empty()));
            return;
        }
        ModelConfig named = named(each, like);
        try (var teacher = ModelSetup.open(named, hub)) {
            Optional<Local> known = locals().filter(l -> l.named().equals(named)).findFirst();
            Local local = known.orElseGet(() -> load(student, model, named, teacher));
            opened.add(Opened.of(local, teacher.fingerprint()));
            tell(domain, local, known.isPresent());
        }
    }

    private static Local load(
            PolicySetup student, ModelSetup model, ModelConfig named, ModelSetup teacher) {
        if (student.policy().adapter().isEmpty() || !teacher.hasBaseOf(model)) {
            return student.loadFrozen(() -> local(named, teacher), Local::decoder);
        }
        Adapter adapter = teacher.adapter().map(student.policy()::addAdapter).orElse(Adapter.OFF);
        return new Local(student.decoder(), adapter, named, Optional.empty(), false);
    }

    /// Says where a teacher is, and what it takes.
    private static void tell(String domain, Local local, boolean isKnown) {
        String who = domain.isEmpty() ? "the teacher" : "the teacher of " + domain;
        if (isKnown) {
            LOG.info("{} is a model that teaches another domain too; it is loaded once", who);
        } else if (local.separate()) {
            double bytes =
                    (double) local.decoder().config().productNumbers()
                            * local.decoder().dtype().bytes();
            LOG.info(
                    "{} is a separate model, whose matrices take about {} MiB in {}",
                    who,
                    Math.round(bytes / MIB),
                    local.decoder().dtype());
        } else {
            LOG.info("{} uses the student's base weights, which don't change", who);
        }
    }

    private Stream<Local> locals() {
        return opened.stream().flatMap(each -> each.local().stream());
    }

    private static Local local(ModelConfig named, ModelSetup teacher) {
        Decoder decoder = teacher.loadDecoder();
        try {
            Optional<Policy> adapted =
                    teacher.adapter()
                            .map(a -> Policy.withAdapter(decoder, a, Policy.Options.defaults()));
            decoder.keepForward();
            Adapter adapter = adapted.map(Policy::adapterInUse).orElse(Adapter.OFF);
            return new Local(decoder, adapter, named, adapted, true);
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

    /// The teachers, with their domains and what these weigh.
    Teachers teachers() {
        return new Teachers(
                opened.stream().map(Opened::model).toList(), config.domains(), config.weights());
    }

    /// The decoder of the one teacher, if it computes here.
    Optional<Decoder> decoder() {
        return opened.getFirst().local().map(Local::decoder);
    }

    /// The adapter with which the decoder is the teacher.
    Adapter adapter() {
        return opened.getFirst().local().orElseThrow().adapter();
    }

    /// Memory that a step takes, of the student and of teachers in this process. Each row is read
    /// by one of them, so they take as much as the largest one.
    ///
    /// @param across whether it has another tokenizer
    MemoryNeed need(TrainingConfig training, Policy student, boolean across) {
        return MemoryNeed.of(
                StepMemory.of(student),
                training.stateBytes(student.parameters()),
                locals().map(Local::decoder)
                        .map(across ? TeacherMemory::ofSpans : TeacherMemory::of)
                        .max(Comparator.comparingLong(memory -> memory.reading(SOME_TOKENS))));
    }

    @Override
    public void close() {
        List<Local> own = locals().filter(Local::separate).distinct().toList();
        own.forEach(local -> local.adapted().ifPresent(Policy::close));
        own.forEach(local -> local.decoder().close());
    }
}
