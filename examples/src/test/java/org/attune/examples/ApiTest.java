package org.attune.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaEnumConstant;
import com.tngtech.archunit.core.domain.JavaMember;
import com.tngtech.archunit.core.domain.JavaModifier;

import org.attune.api.Api;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// What is promised of public types ([Api]): whatever programs meet is marked, promises name
/// nothing else, and few types are promised.
@Tag("thorough")
final class ApiTest {
    // configurations of methods among them; 2 of pictures
    private static final int MOST_MARKED = 208;

    /// Members of experimental types that name types without a mark. It may only fall, but where a
    /// program gets something for the generation loop (1), completions of several rounds (1), or
    /// the weights to write as a file (2).
    private static final int MOST_HANDED_ON = 107;

    /// Public types without a mark that no other module uses: public for packages of their module.
    /// It may only fall, but where a package is cut into several (48 of the command's), or where
    /// families bring parts that passes and decoding read (14), or where a package went to the only
    /// module that uses it (5: layouts of rows; 29: their tokens and what makes
    /// these; 4: optimizers), or where agents use what a command did alone (3),
    /// or where methods come: three with three kinds of settings (4), one that learns from itself
    /// (2), one from its attempts (1), and what teachers said (1), or where weights are in few bits
    /// (7), or where GGUF files are written by what reads them (4), or where the board and the
    /// agents' server ask what a run starts (1), or where a run asks the tasks that a command asks
    /// (2), or where a model has what sees pictures (2).
    private static final int MOST_OF_ONE_MODULE = 478;

    /// Beginnings of names of types without a mark that members of experimental types may name.
    /// What they are good for: a program gets one from a member and gives it to another.
    private static final Map<String, String> HANDED_ON =
            Map.ofEntries(
                    Map.entry("model.", "what a model is made of"),
                    Map.entry("tensor.", "what a model computes with"),
                    Map.entry("text.", "what a tokenizer and a template are made of"),
                    Map.entry("policy.", "what only trainers ask of a policy"),
                    Map.entry("optim.", "what only trainers ask of an optimizer"),
                    Map.entry("files.", "the Hub's cache, and files of tensors"),
                    Map.entry("hub.", "how models are downloaded"),
                    Map.entry("ranks.", "the processes of a run"),
                    Map.entry("rollout.", "who writes the turns of a chat or an episode"),
                    Map.entry("agents.", "how turns become tokens, and an agent's requests"),
                    Map.entry("models.ScorerPurpose", "how a score head is loaded"),
                    Map.entry("reward.AdvantageEstimator", "what GRPO makes of a setting"),
                    Map.entry("trainers.report.HubPush", "what uploads a run's result"),
                    Map.entry(
                            "trainers.opening.TrainingMethod",
                            "a method of one's own uses what the methods of Attune use, and"
                                    + " changes with it"));

    /// Packages of other libraries whose types members may name, with those below.
    private static final List<String> OTHERS =
            List.of(
                    "com.fasterxml.jackson.databind",
                    "org.apache.commons.rng",
                    "dev.langchain4j",
                    "io.micrometer.observation",
                    "org.springframework.ai",
                    "reactor.core.publisher");

    /// Programs. `learning` and `quickstart` aren't: they make and measure what the repository
    /// holds.
    private static final List<String> PROGRAMS =
            List.of(
                    "examples/src/main/java/org/attune/examples",
                    "examples/src/main/java/org/attune/examples/agents",
                    "examples/agents",
                    "examples/methods",
                    "examples/providers");

    private static final Pattern IMPORT =
            Pattern.compile(
                    "(?m)^import (?:static )?(org\\.attune(?:\\.[a-z]\\w*)*)\\.([A-Z]\\w*|\\*)");
    private static final Pattern CODE = Pattern.compile("(?s)```java\n(.*?)```");

    private static final Map<JavaClass, Api.Status> MARKED = marked();

    private static Map<JavaClass, Api.Status> marked() {
        Map<JavaClass, Api.Status> marked = new HashMap<>();
        for (JavaClass type : ModuleClasses.ALL) {
            if (type.isAnnotatedWith(Api.class)) {
                var status =
                        (JavaEnumConstant)
                                type.getAnnotationOfType(Api.class.getName())
                                        .get("value")
                                        .orElseThrow();
                marked.put(type, Api.Status.valueOf(status.name()));
            }
        }
        return marked;
    }

    /// Marked types, and the records and enums that components of marked records are.
    private static Map<JavaClass, Api.Status> promised() {
        Map<JavaClass, Api.Status> promised = new HashMap<>(MARKED);
        Deque<JavaClass> records = new ArrayDeque<>(MARKED.keySet());
        while (!records.isEmpty()) {
            JavaClass record = records.remove();
            if (record.isRecord()) {
                record.getFields().stream()
                        .filter(field -> !field.getModifiers().contains(JavaModifier.STATIC))
                        .flatMap(ModuleClasses::signature)
                        .filter(part -> part.isRecord() || part.isEnum())
                        .filter(part -> part.getName().startsWith(ModuleClasses.ROOT))
                        .map(ModuleClasses::top)
                        .filter(part -> promised.putIfAbsent(part, promised.get(record)) == null)
                        .forEach(records::add);
            }
        }
        return promised;
    }

    private static String shortName(JavaClass type) {
        return type.getName().substring(ModuleClasses.ROOT.length());
    }

    @Test
    void fewTypesAreMarked() {
        Map<Api.Status, Long> counts =
                MARKED.values().stream()
                        .collect(
                                Collectors.groupingBy(s -> s, TreeMap::new, Collectors.counting()));
        System.out.println(
                "%s of marked types; with parts of records %d types are promised"
                        .formatted(counts, promised().size()));
        assertTrue(MARKED.size() <= MOST_MARKED, MARKED.size() + " types are marked");
        MARKED.keySet()
                .forEach(
                        type ->
                                assertTrue(
                                        type.isTopLevelClass()
                                                && type.getModifiers()
                                                        .contains(JavaModifier.PUBLIC),
                                        type.getName()));
    }

    @Test
    void whatProgramsImportIsMarked() throws IOException {
        Set<String> names =
                MARKED.keySet().stream().map(JavaClass::getName).collect(Collectors.toSet());
        Set<String> unmarked = new TreeSet<>();
        for (Map.Entry<String, String> program : programs().entrySet()) {
            Matcher imports = IMPORT.matcher(program.getValue());
            while (imports.find()) {
                imported(imports.group(1), imports.group(2), program.getValue())
                        .filter(name -> !names.contains(name))
                        .forEach(name -> unmarked.add(name + " of " + program.getKey()));
            }
        }
        assertEquals(Set.of(), unmarked, "imported and not marked");
    }

    /// Of a whole package, those types that the program names.
    private static Stream<String> imported(String place, String name, String program) {
        if (!name.equals("*")) {
            return Stream.of(place + "." + name)
                    .filter(type -> !type.startsWith("org.attune.examples"));
        }
        return ModuleClasses.ALL.stream()
                .filter(type -> type.getPackageName().equals(place) && type.isTopLevelClass())
                .filter(type -> !ModuleClasses.isTest(type))
                .filter(type -> program.matches("(?s).*\\b" + type.getSimpleName() + "\\b.*"))
                .map(JavaClass::getName);
    }

    private static Map<String, String> programs() throws IOException {
        Map<String, String> programs = new TreeMap<>();
        for (String folder : PROGRAMS) {
            for (Path file : files(ModuleClasses.REPOSITORY.resolve(folder), ".java")) {
                programs.put(folder + "/" + file.getFileName(), Files.readString(file));
            }
        }
        for (Path page : files(ModuleClasses.REPOSITORY.resolve("docs"), ".md")) {
            Matcher code = CODE.matcher(Files.readString(page));
            for (int i = 1; code.find(); i++) {
                programs.put(page.getFileName() + " " + i, code.group(1));
            }
        }
        assertTrue(programs.size() > 20, programs.keySet()::toString);
        return programs;
    }

    private static List<Path> files(Path folder, String ending) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(file -> file.toString().endsWith(ending)).sorted().toList();
        }
    }

    @Test
    void promisesNameOnlyWhatIsPromised() {
        Map<JavaClass, Api.Status> promised = promised();
        Set<String> broken = new TreeSet<>();
        Set<String> handedOn = new TreeSet<>();
        promised.forEach(
                (type, status) ->
                        named(type)
                                .forEach(
                                        (place, names) -> {
                                            for (JavaClass name : names) {
                                                Api.Status of = promised.get(name);
                                                if (status == of || of == Api.Status.STABLE) {
                                                    continue;
                                                }
                                                boolean mayBe =
                                                        status == Api.Status.EXPERIMENTAL
                                                                && isHandedOn(name);
                                                (mayBe ? handedOn : broken)
                                                        .add(place + ": " + shortName(name));
                                            }
                                        }));
        System.out.println(handedOn.size() + " members name what is only handed on");
        assertEquals(Set.of(), broken, "promised members that name what isn't promised");
        assertTrue(
                handedOn.size() <= MOST_HANDED_ON,
                () -> handedOn.size() + " are more than " + MOST_HANDED_ON + ": " + handedOn);
    }

    private static boolean isHandedOn(JavaClass type) {
        return HANDED_ON.keySet().stream().anyMatch(shortName(type)::startsWith);
    }

    /// Attune's types, and others that aren't known, by the members that name them.
    private static Map<String, Set<JavaClass>> named(JavaClass top) {
        Map<String, Set<JavaClass>> named = new TreeMap<>();
        ModuleClasses.withNested(top)
                .forEach(
                        type -> {
                            named.computeIfAbsent(shortName(type), _ -> new HashSet<>())
                                    .addAll(unknown(ModuleClasses.declaration(type)));
                            for (JavaMember member : type.getMembers()) {
                                if (ModuleClasses.isShown(member.getModifiers())) {
                                    named.computeIfAbsent(
                                                    shortName(type) + "." + member.getName(),
                                                    _ -> new HashSet<>())
                                            .addAll(unknown(ModuleClasses.signature(member)));
                                }
                            }
                        });
        return named;
    }

    /// Without the JDK's types, those of libraries that may be named, and generated `…Copies`.
    private static Set<JavaClass> unknown(Stream<JavaClass> types) {
        return types.filter(type -> !type.isPrimitive())
                .map(ModuleClasses::top)
                .filter(type -> !type.getPackageName().matches("java\\..*|"))
                .filter(type -> OTHERS.stream().noneMatch(type.getPackageName()::startsWith))
                .filter(type -> !type.getSimpleName().endsWith("Copies"))
                .collect(Collectors.toSet());
    }

    @Test
    void fewUnmarkedTypesArePublicForOneModule() {
        Map<JavaClass, Api.Status> promised = promised();
        Set<JavaClass> needed = new HashSet<>();
        for (JavaClass user : ModuleClasses.ALL) {
            if (!ModuleClasses.isTest(user)) {
                ModuleClasses.usedBy(user)
                        .filter(
                                used ->
                                        !ModuleClasses.module(used)
                                                .equals(ModuleClasses.module(user)))
                        .forEach(needed::add);
            }
        }
        Map<String, Integer> counts = new TreeMap<>();
        for (JavaClass type : ModuleClasses.ALL) {
            if (!ModuleClasses.isTest(type)
                    && type.isTopLevelClass()
                    && type.getModifiers().contains(JavaModifier.PUBLIC)
                    && !type.getPackageName().startsWith("org.attune.examples")
                    && !type.getSimpleName().endsWith("Copies")
                    && !promised.containsKey(type)
                    && !needed.contains(type)) {
                String module = ModuleClasses.module(type).replaceFirst("/target/.*", "");
                counts.merge(module.replaceFirst(".*/", ""), 1, Integer::sum);
            }
        }
        int count = counts.values().stream().mapToInt(i -> i).sum();
        String found = count + " public types are used by their module alone: " + counts;
        System.out.println(found);
        assertTrue(count <= MOST_OF_ONE_MODULE, found + "; at most " + MOST_OF_ONE_MODULE);
    }
}
