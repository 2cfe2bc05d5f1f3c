/// Copy methods of records, generated while they are compiled. Read [CopyMethods].
package org.attune.records;
