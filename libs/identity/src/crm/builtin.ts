import type { CrmDirectory } from './crm-directory.js';
import { httpCrm } from './http/http.crm.js';
import { hubspotCrm } from './hubspot/hubspot.crm.js';
import { salesforceCrm } from './salesforce/salesforce.crm.js';

/** Every CRM that `crm.type` may name. Without one, people are whom import and API made known. */
export const builtinCrms = [httpCrm, salesforceCrm, hubspotCrm] as readonly unknown[] as readonly CrmDirectory[];
