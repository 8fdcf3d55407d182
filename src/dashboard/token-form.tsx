// Makes a token: for whom, as what, and until when. What the service refuses is shown at its value.

import { useId, useState } from 'preact/hooks';
import { ApiError } from './api.ts';
import { instantOf } from './format.ts';
import { usePage } from './page-context.ts';
import type { AccessToken, TokenAdded } from './wire.ts';

type Role = AccessToken['role'];
type Props = { roles: Record<Role, string>; onAdded: (added: TokenAdded) => void };

export function TokenForm({ roles, onAdded }: Props) {
  const { api } = usePage();
  const [name, setName] = useState('');
  const [role, setRole] = useState<Role>('viewer');
  const [end, setEnd] = useState('');
  const [fault, setFault] = useState<ApiError | null>(null);
  const [busy, setBusy] = useState(false);
  const add = async () => {
    setBusy(true);
    setFault(null);
    try {
      const body = { name: name.trim(), role, expiresAt: instantOf(end) ?? null };
      onAdded(await api.send<TokenAdded>('POST', '/api/sync/tokens', body));
      setName('');
      setEnd('');
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      setFault(error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <form
      class="schema-form"
      onSubmit={(event) => {
        event.preventDefault();
        void add();
      }}
    >
      <Field label="For whom" hint="A person or a program" fault={faultOf(fault, 'name')}>
        {(id) => (
          <input
            id={id}
            required
            autocomplete="off"
            spellcheck={false}
            value={name}
            onInput={(event) => setName(event.currentTarget.value)}
          />
        )}
      </Field>
      <Field label="Role" hint={`${role} ${roles[role]}`} fault={faultOf(fault, 'role')}>
        {(id) => (
          <select id={id} value={role} onChange={(event) => setRole(event.currentTarget.value as Role)}>
            {Object.keys(roles).map((one) => (
              <option key={one} value={one}>
                {one}
              </option>
            ))}
          </select>
        )}
      </Field>
      <Field label="Ends" hint="Empty: when it is revoked" fault={faultOf(fault, 'expiresAt')}>
        {(id) => (
          <input
            id={id}
            type="datetime-local"
            value={end}
            onInput={(event) => setEnd(event.currentTarget.value)}
          />
        )}
      </Field>
      <div role="status">
        {fault !== null && fault.faults.length === 0 && (
          <p class="fault">
            {fault.message} {fault.action}
          </p>
        )}
      </div>
      <p class="buttons">
        <button type="submit" class="primary" disabled={busy}>
          Make the token
        </button>
      </p>
    </form>
  );
}

type FieldProps = {
  label: string;
  hint: string;
  fault: string | null;
  children: (id: string) => preact.ComponentChild;
};

function Field({ label, hint, fault, children }: FieldProps) {
  const id = useId();
  return (
    <div class={`field ${fault === null ? '' : 'has-fault'}`}>
      <label for={id}>
        {label}
        <span class="note">{hint}</span>
      </label>
      {children(id)}
      {fault !== null && <p class="fault">{fault}</p>}
    </div>
  );
}

function faultOf(fault: ApiError | null, path: string): string | null {
  return fault?.faults.find((one) => one.path === path)?.message ?? null;
}
