import java.lang.classfile.ClassModel;
import java.lang.classfile.constantpool.PoolEntry;
import java.lang.classfile.constantpool.Utf8Entry;
import java.util.HashSet;
import java.util.Set;
import java.util.stream.Stream;

/// What a class file says of other classes.
record Mentions(String name, String file, Set<String> parents, Set<String> texts) {
    static Mentions of(ClassModel model) {
        var texts = new HashSet<String>();
        for (PoolEntry entry : model.constantPool()) {
            if (entry instanceof Utf8Entry text && text.stringValue().contains("org/attune/")) {
                texts.add(text.stringValue());
            }
        }
        var parents = new HashSet<String>();
        model.superclass().ifPresent(parent -> parents.add(parent.asInternalName()));
        model.interfaces().forEach(parent -> parents.add(parent.asInternalName()));
        return new Mentions(
                model.thisClass().asInternalName(), Shape.sourceFile(model), parents, texts);
    }

    boolean extendsOneOf(Set<String> names) {
        return parents.stream().anyMatch(names::contains);
    }

    boolean mentionsOneOf(Set<String> names) {
        if (texts.stream().anyMatch(names::contains)) {
            return true;
        }
        // Within descriptors and signatures: L…; and L…<
        return texts.stream()
                .flatMap(text -> Stream.of(text.split("[^\\w/$]+")))
                .anyMatch(
                        part ->
                                names.contains(part)
                                        || part.startsWith("L")
                                                && names.contains(part.substring(1)));
    }
}
