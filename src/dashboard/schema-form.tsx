// A form for settings, made from the API's own schema. The service validates; its faults stand at their fields.

import { useId, useState } from 'preact/hooks';
import { ApiError } from './api.ts';
import {
  type Field,
  fieldsOf,
  type JsonSchema,
  patchOf,
  textOf,
  typedValue,
  valueAt,
} from './schema-fields.ts';

type Fault = { path: string; message: string };

type FormProps = {
  schema: JsonSchema;
  values: unknown;
  /** Shown beside a field, by its path; for example where the value comes from. */
  notes?: Record<string, string>;
  /** Before the API's paths in its faults, for example `github.`. */
  faultPrefix?: string;
  /** Resolves with a line for the person. @throws ApiError with faults by path */
  save: (patch: Record<string, unknown>) => Promise<string>;
};

export function SchemaForm({ schema, values, notes = {}, faultPrefix = '', save }: FormProps) {
  const [edited, setEdited] = useState<ReadonlyMap<string, string>>(new Map());
  const [faults, setFaults] = useState<readonly Fault[]>([]);
  const [outcome, setOutcome] = useState<string | null>(null);
  const fields = fieldsOf(schema);
  const submit = async () => {
    const changed = fields.filter(({ path }) => edited.has(path));
    const patch = patchOf(
      new Map(changed.map((field) => [field.path, typedValue(field, edited.get(field.path) ?? '')])),
    );
    try {
      setOutcome(await save(patch));
      setFaults([]);
      setEdited(new Map());
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      setOutcome(`${error.message} ${error.action}`);
      setFaults(error.faults);
    }
  };
  const faultAt = (path: string) =>
    faults.find((fault) => `${fault.path}.`.startsWith(`${faultPrefix}${path}.`))?.message ?? null;
  return (
    <form
      class="schema-form"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      {groupsOf(fields).map(([group, members]) => (
        <fieldset key={group}>
          <legend>{nameOf(group === '' ? 'general' : group)}</legend>
          {members.map((field) => (
            <FieldRow
              key={field.path}
              field={field}
              text={edited.get(field.path) ?? textOf(field, valueAt(values, field.path))}
              note={notes[field.path] ?? null}
              fault={faultAt(field.path)}
              onText={(text) => setEdited(new Map(edited).set(field.path, text))}
            />
          ))}
        </fieldset>
      ))}
      <div class="form-end">
        <button type="submit" class="primary" disabled={edited.size === 0}>
          Save {edited.size > 0 && `${edited.size} change${edited.size === 1 ? '' : 's'}`}
        </button>
        <p role="status" class={faults.length > 0 ? 'fault' : ''}>
          {outcome}
        </p>
      </div>
    </form>
  );
}

function groupsOf(fields: readonly Field[]): [string, Field[]][] {
  const groups = new Map<string, Field[]>([['', []]]);
  for (const field of fields) {
    const at = field.path.indexOf('.');
    const group = at === -1 ? '' : field.path.slice(0, at);
    groups.set(group, [...(groups.get(group) ?? []), field]);
  }
  return [...groups];
}

/** `maxConcurrentSyncs` as `Max concurrent syncs`. */
function nameOf(key: string): string {
  const words = key.replace(/([a-z])([A-Z])/g, '$1 $2').toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

type RowProps = {
  field: Field;
  text: string;
  note: string | null;
  fault: string | null;
  onText: (text: string) => void;
};

function FieldRow({ field, text, note, fault, onText }: RowProps) {
  const id = useId();
  const { path, description } = field;
  const name = path.includes('.') ? path.slice(path.indexOf('.') + 1) : path;
  return (
    <div class={`field ${fault === null ? '' : 'has-fault'}`}>
      <label for={id}>
        {name.split('.').map(nameOf).join(', ')}
        {note !== null && <span class="note">{note}</span>}
      </label>
      <Input field={field} id={id} text={text} faulty={fault !== null} onText={onText} />
      {description !== undefined && <p class="hint">{description}</p>}
      {fault !== null && (
        <p class="fault" id={`${id}-fault`}>
          {fault}
        </p>
      )}
    </div>
  );
}

type InputProps = { field: Field; id: string; text: string; faulty: boolean; onText: (text: string) => void };

function Input({ field, id, text, faulty, onText }: InputProps) {
  const { kind, choices } = field;
  const common = {
    id,
    value: text,
    name: field.path,
    ...(faulty && { 'aria-invalid': true, 'aria-describedby': `${id}-fault` }),
    onInput: (event: Event) => onText((event.currentTarget as HTMLInputElement).value),
  };
  switch (kind) {
    case 'boolean':
    case 'choice':
      return (
        <select {...common}>
          <option value="">default</option>
          {(kind === 'boolean' ? ['true', 'false'] : choices).map((choice) => (
            <option key={choice} value={choice}>
              {kind === 'boolean' ? (choice === 'true' ? 'yes' : 'no') : choice}
            </option>
          ))}
        </select>
      );
    case 'lines':
    case 'json':
      return (
        <textarea {...common} rows={Math.min(8, Math.max(2, text.split('\n').length))} spellcheck={false} />
      );
    case 'integer':
      return <input {...common} inputMode="numeric" autocomplete="off" placeholder="default" />;
    case 'text':
      return <input {...common} autocomplete="off" placeholder="default" spellcheck={false} />;
    default:
      return kind satisfies never;
  }
}
