package org.attune.records;

import java.io.IOException;
import java.io.Writer;
import java.util.Set;

import javax.annotation.processing.AbstractProcessor;
import javax.annotation.processing.RoundEnvironment;
import javax.annotation.processing.SupportedAnnotationTypes;
import javax.lang.model.SourceVersion;
import javax.lang.model.element.Element;
import javax.lang.model.element.ElementKind;
import javax.lang.model.element.TypeElement;
import javax.tools.Diagnostic;

/// Writes the interfaces that [CopyMethods] asks for.
@SupportedAnnotationTypes("org.attune.records.CopyMethods")
public final class CopyGenerator extends AbstractProcessor {
    @Override
    public SourceVersion getSupportedSourceVersion() {
        return SourceVersion.latestSupported();
    }

    @Override
    public boolean process(Set<? extends TypeElement> annotations, RoundEnvironment round) {
        for (Element element : round.getElementsAnnotatedWith(CopyMethods.class)) {
            if (element.getKind() != ElementKind.RECORD) {
                fail("only records have copy methods", element);
            } else if (element.getEnclosingElement().getKind() != ElementKind.PACKAGE) {
                fail("a record with copy methods needs a separate file", element);
            } else {
                write((TypeElement) element);
            }
        }
        return false;
    }

    private void write(TypeElement type) {
        String name = type.getQualifiedName() + CopyInterface.SUFFIX;
        try (Writer out = processingEnv.getFiler().createSourceFile(name, type).openWriter()) {
            out.write(new CopyInterface(type, processingEnv).source());
        } catch (IOException e) {
            fail("the interface of copy methods can't be written: " + e.getMessage(), type);
        }
    }

    private void fail(String message, Element where) {
        processingEnv.getMessager().printMessage(Diagnostic.Kind.ERROR, message, where);
    }
}
