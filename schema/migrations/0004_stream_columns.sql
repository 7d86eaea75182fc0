-- Types that a stream declares for its columns: JSON, by field.
alter table streams add column columns text not null default '{}';
