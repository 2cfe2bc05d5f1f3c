import java.lang.classfile.AccessFlags;
import java.lang.classfile.Attributes;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.FieldModel;
import java.lang.classfile.MethodModel;
import java.lang.classfile.attribute.SignatureAttribute;
import java.lang.reflect.AccessFlag;
import java.util.Collection;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/// What other classes can see of a class, as text: all but the bodies of methods, private members,
/// and classes within methods.
final class Shape {
    private Shape() {}

    static String sourceFile(ClassModel model) {
        return model.findAttribute(Attributes.sourceFile())
                .map(a -> a.sourceFile().stringValue())
                .orElse("");
    }

    /// Name → shape.
    static Map<String, String> all(Collection<byte[]> classes) {
        var shapes = new TreeMap<String, String>();
        for (byte[] bytes : classes) {
            ClassModel model = ClassFile.of().parse(bytes);
            if (model.findAttribute(Attributes.enclosingMethod()).isEmpty()) {
                shapes.put(model.thisClass().asInternalName(), of(model));
            }
        }
        return shapes;
    }

    /// Constants' values, which the compiler copies into the classes that use them.
    static Map<String, String> constants(Collection<byte[]> classes) {
        var constants = new TreeMap<String, String>();
        for (byte[] bytes : classes) {
            ClassModel model = ClassFile.of().parse(bytes);
            for (FieldModel field : model.fields()) {
                if (!isPrivate(field.flags())) {
                    field.findAttribute(Attributes.constantValue())
                            .ifPresent(
                                    value ->
                                            constants.put(
                                                    model.thisClass().asInternalName()
                                                            + " "
                                                            + field.fieldName(),
                                                    value.constant().constantValue().toString()));
                }
            }
        }
        return constants;
    }

    private static String of(ClassModel model) {
        var text = new StringBuilder();
        text.append(model.flags().flagsMask())
                .append(model.superclass())
                .append(model.interfaces());
        text.append(model.findAttribute(Attributes.signature()).map(Shape::text).orElse(""));
        model.findAttribute(Attributes.innerClasses())
                .ifPresent(
                        inner ->
                                inner.classes().stream()
                                        .filter(c -> c.innerClass().equals(model.thisClass()))
                                        .forEach(c -> text.append(c.flagsMask())));
        model.findAttribute(Attributes.record())
                .ifPresent(
                        record ->
                                record.components()
                                        .forEach(
                                                c -> text.append(c.name()).append(c.descriptor())));
        model.findAttribute(Attributes.permittedSubclasses())
                .ifPresent(p -> text.append(p.permittedSubclasses()));
        model.findAttribute(Attributes.runtimeVisibleAnnotations())
                .ifPresent(a -> text.append(a.annotations()));
        model.fields().stream().filter(f -> !isPrivate(f.flags())).forEach(f -> text.append(of(f)));
        // Their order in the file says nothing.
        text.append(
                model.methods().stream()
                        .filter(m -> !isPrivate(m.flags()))
                        .map(Shape::of)
                        .sorted()
                        .collect(Collectors.joining("\n")));
        return text.toString();
    }

    private static String of(FieldModel field) {
        return "\n"
                + field.flags().flagsMask()
                + field.fieldName()
                + field.fieldType()
                + field.findAttribute(Attributes.signature()).map(Shape::text).orElse("")
                + field.findAttribute(Attributes.runtimeVisibleAnnotations())
                        .map(a -> a.annotations().toString())
                        .orElse("");
    }

    private static String of(MethodModel method) {
        return method.flags().flagsMask()
                + " "
                + method.methodName()
                + method.methodType()
                + method.findAttribute(Attributes.signature()).map(Shape::text).orElse("")
                + method.findAttribute(Attributes.exceptions())
                        .map(e -> e.exceptions().toString())
                        .orElse("")
                + method.findAttribute(Attributes.runtimeVisibleAnnotations())
                        .map(a -> a.annotations().toString())
                        .orElse("");
    }

    private static String text(SignatureAttribute signature) {
        return signature.signature().stringValue();
    }

    private static boolean isPrivate(AccessFlags flags) {
        return flags.has(AccessFlag.PRIVATE);
    }
}
